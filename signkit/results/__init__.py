"""What comes of a trained model: hypotheses, confidences, scores, the export and the report."""

from signkit.results.dev_score import DevScore
from signkit.results.scored import plain, scoring_protocol
from signkit.results.written import check_decoding, load_chosen, write_results

__all__ = ["DevScore", "check_decoding", "load_chosen", "plain", "scoring_protocol", "write_results"]
