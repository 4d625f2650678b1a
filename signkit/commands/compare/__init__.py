"""`signkit compare`: runs beside each other. No torch here."""
