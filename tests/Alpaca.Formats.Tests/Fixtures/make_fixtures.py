#!/usr/bin/python3
"""Checkpoints as torch.save writes them, with the digest of every tensor's contiguous data.

usage: make_fixtures.py      (writes beside this file; needs python3-torch)
"""
import collections, hashlib, json, os
import torch

here = os.path.dirname(os.path.abspath(__file__))
g = torch.Generator().manual_seed(5)
base = torch.arange(60, dtype=torch.float32).view(6, 10)
VALUES = collections.OrderedDict(
    float16=torch.randn(3, 5, generator=g).half(), bfloat16=torch.randn(3, 5, generator=g).bfloat16(), float32=torch.randn(4, generator=g), float64=torch.randn(2, 2, generator=g).double(),
    int8=torch.arange(-3, 3, dtype=torch.int8), uint8=torch.arange(5, dtype=torch.uint8), int16=torch.arange(-3, 3, dtype=torch.int16), int32=torch.arange(-3, 3, dtype=torch.int32),
    int64=torch.arange(-3, 3), bool=torch.tensor([True, False, True]), scalar=torch.tensor(2.5), empty=torch.empty(0, 4),
    shared=base, transposed=base.t(), sliced=base[1:5, 2:9:3], tail=base[4:], parameter=torch.nn.Parameter(torch.randn(2, 3, generator=g)))
torch.save(dict(VALUES), f'{here}/values.pth')
torch.save(dict(VALUES), f'{here}/values-legacy.pth', _use_new_zipfile_serialization=False)
torch.save(dict(VALUES), f'{here}/values-protocol4.pth', pickle_protocol=4)
torch.save(torch.nn.Linear(3, 2).state_dict(), f'{here}/state-dict.pth')
raw = lambda t: t.detach().contiguous().view(torch.int16).numpy().tobytes() if t.dtype == torch.bfloat16 else t.detach().contiguous().numpy().tobytes()
json.dump({k: dict(dtype=str(v.dtype)[6:], shape=list(v.shape), sha256=hashlib.sha256(raw(v)).hexdigest()) for k, v in VALUES.items()}, open(f'{here}/values.json', 'w'), indent=1)

class Evil:
    def __reduce__(self): return (os.system, ('echo unsafe',))
torch.save({'weight': torch.zeros(2), 'other': Evil()}, f'{here}/evil.pth')
