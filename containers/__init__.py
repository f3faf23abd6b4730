"""The images that Vertex AI runs, and the model server that lives in one of them."""
