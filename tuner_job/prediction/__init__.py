"""A fitted model as an object, and predicting with it."""
