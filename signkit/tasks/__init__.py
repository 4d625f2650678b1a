"""The tasks: one folder for each family of models, with everything that is specific to it."""
