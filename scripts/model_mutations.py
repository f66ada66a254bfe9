"""Mutations of the files of a model, a checkpoint and a cache entry. Not a script itself.

Each function takes the content of a file and a random generator, and returns new content. Damage changes
bytes only, as a disk does. The others forge: the result is mostly well-formed, so that the code behind the
parsers is reached, and its checksum fits.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import torch
import yaml
from safetensors.torch import load
from torch import Tensor

from rnner.system.tensor_files import write_tensors

Mutation = Callable[[bytes, Random], bytes]

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e-300, 1e308, float("inf"), float("nan")),
    *(
        2**31,
        2**63,
        10**30,
        10**400,
        -(2**63),
        "",
        " ",
        "x",
        "x" * 10_000,
        "O",
        "B-PER",
        "\x1b[2J",
        "\n",
        "\0",
    ),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "${HOME}",
        "{0.__class__}",
        "(a+)+$",
        "\ud800",
        [],
        {},
        [[]],
        [None],
    ),
    *(["x"] * 3, {"x": 1}, [0] * 1000),
)
NUMBERS = (0, 1, -1, 2, 7, 255, 2**15, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
ODD_FLOATS = (0.0, 1.0, -1.0, 1e4, -1e4, 1e30, -1e30, 3e38, 1e-40, float("nan"), float("inf"), -float("inf"))
DTYPES = (
    *(torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.int8, torch.uint8),
    *(torch.int16, torch.int32, torch.int64, torch.bool, torch.complex64),
)


# --- damage ------------------------------------------------------------------------------------------------


def flip(data: bytes, draw: Random) -> bytes:
    """Flip one bit, or a few, most of them near the start or the end, where headers are."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 3, 20)) if changed else 0):
        near = draw.choice((len(changed), len(changed), min(len(changed), 4096), min(len(changed), 200)))
        place = draw.randrange(near)
        changed[place if draw.random() < 0.7 else -1 - place] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut(data: bytes, draw: Random) -> bytes:
    """Cut the end, the start, or a piece in the middle."""
    start, end = sorted(draw.randint(0, len(data)) for _ in range(2))
    return draw.choice((data[:end], data[start:], data[:start] + data[end:], b""))


def insert(data: bytes, draw: Random) -> bytes:
    """Insert random or repeated bytes."""
    at = draw.randint(0, len(data))
    new = draw.choice(
        (draw.randbytes(draw.choice((1, 8, 4096))), data[at : at + 1000], b"\0" * 4096, b"[" * 5000)
    )
    return data[:at] + new + data[at:]


def overwrite(data: bytes, draw: Random) -> bytes:
    """Overwrite 1 to 8 bytes with a number such as -1 or 2**62, as a size or an offset may be."""
    if len(data) < 8:
        return insert(data, draw)
    at, size = (
        draw.randrange(min(len(data) - 7, draw.choice((64, 4096, len(data))))),
        draw.choice((1, 2, 4, 8)),
    )
    new = (draw.choice(NUMBERS) % 256**size).to_bytes(size, draw.choice(("little", "big")))
    return data[:at] + new + data[at + size :]


def exchange(data: bytes, draw: Random) -> bytes:
    """Exchange two pieces of the same size."""
    size = draw.choice((1, 8, 64, 512))
    if len(data) < 2 * size + 2:
        return flip(data, draw)
    a, b = sorted(draw.randrange(len(data) - size) for _ in range(2))
    if b < a + size:
        return flip(data, draw)
    return b"".join((data[:a], data[b : b + size], data[a + size : b], data[a : a + size], data[b + size :]))


DAMAGE: tuple[Mutation, ...] = (flip, flip, flip, cut, insert, overwrite, overwrite, exchange)


def damage(data: bytes, draw: Random) -> bytes:
    """Apply one or two kinds of damage."""
    for _ in range(draw.choice((1, 1, 2))):
        data = draw.choice(DAMAGE)(data, draw)
    return data


def forge(function: Mutation, data: bytes, draw: Random) -> bytes:
    """Apply a forging mutation; damage the content where that makes a file that no library can write."""
    try:
        return function(data, draw)
    except Exception:  # of any library
        return damage(data, draw)


# --- JSON and YAML -----------------------------------------------------------------------------------------


def forge_tree(tree: Any, draw: Random) -> Any:
    """Change one to three places of a tree of dictionaries and lists."""
    tree = copy.deepcopy(tree)
    for _ in range(draw.choice((1, 1, 2, 3))):
        _change_place(tree, draw)
    return tree


def _change_place(tree: Any, draw: Random) -> None:
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = draw.choice((keys[0], keys[-1], draw.choice(keys)))
        if isinstance(tree[key], dict | list) and tree[key] and draw.random() < 0.7:
            tree = tree[key]
            continue
        break
    change = draw.choice(
        ("replace", "replace", "replace", "delete", "rename", "exchange", "repeat", "shorten")
    )
    other = draw.choice(keys)
    if change == "delete":
        del tree[key]
    elif change == "rename" and isinstance(tree, dict):
        tree[str(draw.choice((*(v for v in VALUES if isinstance(v, str)), other)))] = tree.pop(key)
    elif change == "exchange":
        tree[key], tree[other] = tree[other], tree[key]
    elif change == "repeat" and isinstance(tree, list):
        tree.extend([tree[key]] * draw.choice((1, 1, 1000)))
    elif change == "shorten" and isinstance(tree, list):
        del tree[key if isinstance(key, int) else 0 :]
    else:
        tree[key] = copy.deepcopy(draw.choice(VALUES))


def forge_json(data: bytes, draw: Random) -> bytes:
    """Change values and keys of a JSON file."""
    tree = forge_tree(json.loads(data), draw)
    text = json.dumps(tree, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.1:
        text = text.replace("1", draw.choice(("1e999", "-1e999", "1" * 5000, "NaN")), 1)
    return text.encode(errors="surrogatepass")


def forge_yaml(data: bytes, draw: Random) -> bytes:
    """Change values and keys of a YAML file, or its lines."""
    if draw.random() < 0.5:
        tree = forge_tree(yaml.safe_load(data), draw)
        return yaml.safe_dump(tree, allow_unicode=False, sort_keys=False).encode()
    lines = data.split(b"\n")
    i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
    odd = (
        b"a: &a [x, x]\nb: [*a, *a]",
        b"!!python/object/apply:os.system [id]",
        b"\t",
        b"  - x",
        b"? [",
        b"---",
    )
    lines[i] = draw.choice(
        (lines[j], b" " + lines[i], lines[i].lstrip(), draw.choice(odd), lines[i] + b" 9e999")
    )
    return b"\n".join(lines)


# --- tensors -----------------------------------------------------------------------------------------------


def forge_tensors(data: bytes, draw: Random) -> bytes:
    """Change, rename, retype, exchange or remove tensors; or change the metadata; the checksum fits."""
    size = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + size]).get("__metadata__", {})
    metadata.pop("sha256", None)
    tensors = load(data)
    for _ in range(draw.choice((1, 1, 1, 2))):
        if not tensors:
            break
        if draw.random() < 0.15:
            metadata = _forge_metadata(metadata, draw)
        else:
            _forge_tensor(tensors, draw)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        write_tensors(path, {name: tensor.clone() for name, tensor in tensors.items()}, metadata)
        return path.read_bytes()


def _forge_metadata(metadata: dict[str, str], draw: Random) -> dict[str, str]:
    position = metadata.get("position")
    if position is not None and draw.random() < 0.8:
        return {**metadata, "position": json.dumps(forge_tree(json.loads(position), draw))}
    changed = forge_tree(dict(metadata) or {"x": "y"}, draw)
    return {
        str(key).encode(errors="replace").decode(): str(value).encode(errors="replace").decode()
        for key, value in changed.items()
    }


def _forge_tensor(tensors: dict[str, Tensor], draw: Random) -> None:
    name, other = draw.choice(list(tensors)), draw.choice(list(tensors))
    tensor = tensors[name]
    change = draw.choice(
        ("number", "number", "numbers", "dtype", "view", "shape", "name", "exchange", "delete")
    )
    if change in ("number", "numbers") and tensor.numel():
        flat = tensor.clone().reshape(-1)
        value: float = draw.choice(ODD_FLOATS)
        if not tensor.is_floating_point():
            value = draw.choice((0, 1, -1, 127, -128))
        places = [draw.randrange(flat.numel())] if change == "number" else slice(None)
        flat[places] = torch.tensor(value).to(tensor.dtype)
        tensors[name] = flat.reshape(tensor.shape)
    elif change == "dtype":
        tensors[name] = tensor.to(draw.choice(DTYPES))
    elif change == "view" and tensor.ndim and tensor.shape[-1] % 2 == 0:
        tensors[name] = (
            tensor.contiguous().view(draw.choice((torch.int32, torch.int8, torch.float16)))
            if (tensor.element_size() >= 4)
            else tensor.contiguous().view(torch.uint8)
        )
    elif change == "shape":
        shapes = (
            tensor.T if tensor.ndim == 2 else tensor[None],
            tensor.reshape(-1),
            tensor[:0] if tensor.ndim else tensor[None],
            torch.cat([tensor, tensor]) if tensor.ndim else tensor[None],
        )
        tensors[name] = draw.choice(shapes)
    elif change == "exchange":
        tensors[name], tensors[other] = tensors[other], tensors[name]
    elif change == "name":
        tensors[draw.choice((name + ".x", "x", "..", name.upper(), "words.scales", "words.vectors"))] = (
            tensors.pop(name)
        )
    else:
        del tensors[name]


def forge_header(data: bytes, draw: Random) -> bytes:
    """Change the header of a safetensors file: types, shapes and offsets of tensors."""
    size = int.from_bytes(data[:8], "little")
    header = forge_tree(json.loads(data[8 : 8 + size]), draw)
    text = json.dumps(header).encode()
    if draw.random() < 0.3:
        text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


# --- cache entries -----------------------------------------------------------------------------------------


def forge_cache(data: bytes, draw: Random) -> bytes:
    """Change columns or metadata of a cache entry, or damage its bytes; its digest fits."""
    content = data[:-32]
    content = damage(content, draw) if draw.random() < 0.5 else _forge_batch(content, draw)
    return content + hashlib.sha256(content).digest()


def _forge_batch(content: bytes, draw: Random) -> bytes:
    batch = pa.ipc.open_file(pa.BufferReader(content)).get_batch(0)
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    metadata = dict(batch.schema.metadata)
    name, other = draw.choice(list(columns)), draw.choice(list(columns))
    change = draw.choice(
        ("metadata", "metadata", "exchange", "delete", "numbers", "numbers", "nulls", "offsets")
    )
    if change == "metadata":
        metadata[b"rnner"] = json.dumps(forge_tree(json.loads(metadata[b"rnner"]), draw)).encode()
    elif change == "exchange":
        columns[name], columns[other] = columns[other], columns[name]
    elif change == "delete":
        del columns[name]
    elif change == "nulls":
        columns[name] = pa.nulls(len(batch), columns[name].type)
    elif change == "offsets" and name in ("tokens", "tags"):
        columns[name] = pa.LargeListArray.from_arrays(
            pa.array([draw.randint(-3, 40) for _ in range(len(batch) + 1)]), columns[name].values
        )
    else:
        columns[name] = _forge_numbers(columns[name], draw)
    sink = pa.BufferOutputStream()
    changed = pa.record_batch(columns, metadata=metadata)
    with pa.ipc.new_file(sink, changed.schema) as writer:
        for _ in range(draw.choice((1, 1, 1, 2, 0))):
            writer.write_batch(changed)
    return bytes(sink.getvalue())


def _forge_numbers(column: Any, draw: Random) -> Any:
    if not hasattr(column, "values"):
        numbers = column.to_numpy().copy()
        numbers[draw.choice((0, -1, slice(None)))] = draw.choice((0, -1, 10**6, -(2**31), 2**31 - 1))
        return pa.array(numbers)
    words = column.values
    numbers = words.indices.to_numpy().copy()
    numbers[draw.choice((0, -1, slice(None)))] = draw.choice((0, -1, 10**6, len(words.dictionary)))
    strings = draw.choice(
        (words.dictionary, words.dictionary[:1], pa.array(["PER"] * len(words.dictionary), pa.large_string()))
    )
    forged = pa.DictionaryArray.from_arrays(pa.array(numbers), strings, safe=False)
    return pa.LargeListArray.from_arrays(column.offsets, forged)
