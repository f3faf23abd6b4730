"""The pipeline: its typed config, its DAG, and the places where it runs."""
