"""`signkit profile`: what a training step of a recipe costs, stage by stage."""
