"""What comes of a trained model: hypotheses, confidences, scores, the export and the report."""

from signkit.tasks.recognition.dev_score import DevScore
from signkit.tasks.recognition.scored import plain, scoring_protocol
from signkit.tasks.recognition.written import check_decoding, load_chosen, write_results

__all__ = ["DevScore", "check_decoding", "load_chosen", "plain", "scoring_protocol", "write_results"]
