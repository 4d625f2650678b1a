"""`signkit compare`: runs side by side. No torch here."""
