"""`signkit score`: files in; tables, JSON, pages and text in the manner of sclite out. No torch here."""
