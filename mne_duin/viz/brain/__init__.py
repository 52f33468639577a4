"""Contacts and values per contact on brains: glass brains, surfaces, montages."""
