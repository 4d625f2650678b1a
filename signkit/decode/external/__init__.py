"""External models of a search: language models and lexicons, built from their options in a recipe."""
