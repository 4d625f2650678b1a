"""Which warnings stop a test run: those with a line of ours as their cause."""

import warnings

import pytest

NEWS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def warn(kind: type[Warning], module: str) -> None:
    warnings.warn_explicit("something will change", kind, "some.py", 1, module=module)


@pytest.mark.parametrize("kind", NEWS)
def test_what_a_dependency_says_of_its_own_future_is_printed(kind: type[Warning]) -> None:
    with warnings.catch_warnings(record=True) as printed:
        warn(kind, "transformers.models.bert.modeling_bert")
    assert [warning.category for warning in printed] == [kind]


@pytest.mark.parametrize("kind", [*NEWS, RuntimeWarning, ResourceWarning, UserWarning])
@pytest.mark.parametrize("module", ["signkit", "signkit.models.context.bert", "test_context"])
def test_what_our_own_code_causes_is_an_error(kind: type[Warning], module: str) -> None:
    with pytest.raises(kind):
        warn(kind, module)


def test_a_dependency_that_warns_of_its_use_is_an_error() -> None:
    with pytest.raises(UserWarning):
        warn(UserWarning, "torch.nn.modules")
