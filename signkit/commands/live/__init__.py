"""`signkit live`: a model in a page of this machine, or on the terminal."""
