"""Export to ONNX, and prediction with exported models."""
