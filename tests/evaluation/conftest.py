import pytest
from simple_trials import make_epochs


@pytest.fixture
def epochs():
    return make_epochs()
