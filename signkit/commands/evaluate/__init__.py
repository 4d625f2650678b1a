"""`signkit evaluate`: a finished run scored on other data."""
