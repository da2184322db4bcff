# Writes the small PyTorch files of this folder, and expected.json with every tensor's values, for the reader's tests.
# Run with PyTorch 2.15 (CPU is enough): python make.py. No file here is read by PyTorch again.
import collections
import json
import os

import torch

torch.manual_seed(7)
here = os.path.dirname(os.path.abspath(__file__))
base = torch.randn(4, 6)


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(6, 4)
        self.norm = torch.nn.LayerNorm(4)


def dicts():
    plain = collections.OrderedDict(
        single=base,
        half=base.half(),
        brain=base.bfloat16(),
        vector=torch.arange(5, dtype=torch.float32),
        empty_rank=torch.tensor(3.5),
        turned=base.t(),  # a view on its side
        rows=base[1:3],  # shares the storage of "single"
        columns=base[:, 2:5],  # rows that lie apart
        gate=torch.randn(1, 3, 1, 1),
        counts=torch.arange(3),  # no weights: left out
    )
    yield "plain", plain
    yield "module", Two().half().state_dict()  # carries _metadata
    yield "wrapped", {"model": {"weight": base.bfloat16()}, "config": {"w_bias": True, "rank": 16, "note": "ü"}}
    yield "parameter", {"weight": torch.nn.Parameter(base)}


expected = {}
for name, value in dicts():
    torch.save(value, os.path.join(here, f"{name}.pth"))
    torch.save(value, os.path.join(here, f"{name}.legacy.pth"), _use_new_zipfile_serialization=False)
    tensors = value["model"] if name == "wrapped" else value
    expected[name] = {
        key: {"shape": list(t.shape), "values": t.float().flatten().tolist()}
        for key, t in tensors.items()
        if t.is_floating_point()
    }
torch.save({"weight": base}, os.path.join(here, "protocol4.pth"), pickle_protocol=4)
expected["protocol4"] = {"weight": {"shape": [4, 6], "values": base.flatten().tolist()}}


class Evil:
    def __reduce__(self):
        return (os.system, ("echo this must not run",))


torch.save({"weight": base, "extra": Evil()}, os.path.join(here, "evil.pth"))
torch.save({"weight": base.double()}, os.path.join(here, "double.pth"))
with open(os.path.join(here, "expected.json"), "w") as file:
    json.dump(expected, file)
