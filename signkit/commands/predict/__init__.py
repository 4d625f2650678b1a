"""`signkit predict`: recognise clips, and write captions, ELAN annotations, or videos with their glosses."""
