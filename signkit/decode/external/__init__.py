"""Language models and constraints beside a recogniser, each built from its options in a recipe."""
