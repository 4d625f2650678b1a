"""`--set a.b=c`: values from the command line, put into the tree before it is read."""

from collections.abc import Sequence
from dataclasses import replace

from signkit.config.yaml_tree import DEEPEST, Fault, Items, Node, Place, Refused, Section, Word, parse


def apply_overrides(root: Section, overrides: Sequence[str], faults: list[Fault]) -> Section:
    """The tree with every ``KEY=VALUE`` in its place; of a key set twice the last one counts.

    KEY is dotted, a list's item is named by its number from 0; VALUE is YAML. A section that the
    file lacks is made.
    """
    for number, item in enumerate(overrides, start=1):
        shown = item if len(item) <= 100 else item[:100] + "…"
        place = Place(f"--set {shown}", column=number)
        key, equals, text = item.partition("=")
        keys = key.split(".")
        if not equals or not all(keys) or len(keys) > DEEPEST:
            faults.append(Fault(place, "not of the form KEY=VALUE", "for example `--set train.lr=3e-4`"))
            continue
        # An empty value is the empty word: `--set train.init_from=`.
        value = parse(text, place, faults) if text.strip() else Word(place, "", plain=False)
        changed = _put(root, keys, 0, value or Word(place, ""), place, faults)
        root = changed if isinstance(changed, Section) else root
    return root


def _put(node: Node, keys: list[str], depth: int, value: Node, place: Place, faults: list[Fault]) -> Node:
    """The node with the value at keys[depth:] below it."""
    if depth == len(keys):
        return value
    key = keys[depth]
    if isinstance(node, Section):
        entries = list(node.entries)
        at = next((i for i in reversed(range(len(entries))) if entries[i][0].text == key), None)
        if at is None:
            below = _put(Section(place, ()), keys, depth + 1, value, place, faults)
            entries.append((Word(place, key), below))
        else:
            entries[at] = (entries[at][0], _put(entries[at][1], keys, depth + 1, value, place, faults))
        return replace(node, entries=tuple(entries))
    path = ".".join(keys[:depth])
    if isinstance(node, Items):
        if key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(node.nodes):
            nodes = list(node.nodes)
            nodes[int(key)] = _put(nodes[int(key)], keys, depth + 1, value, place, faults)
            return replace(node, nodes=tuple(nodes))
        what = f"`{path}` is a list without an item `{key}`"
        faults.append(Fault(place, what, _items_hint(len(node.nodes))))
    elif not isinstance(node, Refused):
        faults.append(Fault(place, f"`{path}` is not a section"))
    return node


def _items_hint(count: int) -> str:
    return f"its items are 0 to {count - 1}" if count else "it is empty"
