"""`signkit profile`: the cost of a recipe's training step, stage by stage."""
