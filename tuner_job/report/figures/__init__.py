"""The report's figures: each a function from records to a drawing with its caption."""
