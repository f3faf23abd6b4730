"""The stages of a retrain. Each is a program (`python -m components STAGE`) and a KFP component."""
