"""The face for notebooks: experiments, runs, models and a classifier, over what the command line is
made of."""
