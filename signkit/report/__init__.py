"""What a run shows at its end: a table and sentences on the terminal, a picture and a page in its folder."""

from signkit.report.page import write_report
from signkit.report.result import Result
from signkit.report.terminal import print_result

__all__ = ["Result", "print_result", "write_report"]
