"""Any estimator of scikit-learn's kind as a family: made from a reference, fitted, scored along its
path, kept."""
