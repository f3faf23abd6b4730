"""`retrain ui`: the runs, their scores and the models of this machine as a local web app."""
