"""What the tasks that write texts share: calibrated confidences, scores, reports, external models."""
