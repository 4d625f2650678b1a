"""`signkit run --grid`: a run for every combination of some settings, ranked on dev."""
