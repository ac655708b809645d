"""What covertness costs: detection against the confidence of the samples."""
