"""The model server: Vertex AI's contract for custom containers, and a page for people."""
