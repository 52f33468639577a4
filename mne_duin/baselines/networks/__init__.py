"""The networks that the paper compares Du-IN with."""
