"""`signkit data report`: a corpus on one page of HTML."""
