#!/usr/bin/python3
"""Holds what this library writes against PyTorch, and writes what it shall read.

usage: interoperate.py DIRECTORY      (needs python3-torch)
DIRECTORY has ours.pth and ours.safetensors of the same tensors and gets the files below; the digests of all are printed as JSON.
"""
import collections, hashlib, inspect, json, os, struct, sys, zipfile
import torch

here = sys.argv[1]
DTYPES = dict(F16=torch.float16, BF16=torch.bfloat16, F32=torch.float32, F64=torch.float64, I8=torch.int8, U8=torch.uint8, I16=torch.int16, I32=torch.int32, I64=torch.int64, BOOL=torch.bool)


def describe(tensors):
    def one(t):
        t = t.detach().contiguous()
        raw = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
        return dict(dtype=str(t.dtype)[6:], shape=list(t.shape), sha256=hashlib.sha256(raw.numpy().tobytes()).hexdigest())
    return {name: one(t) for name, t in tensors.items()}


def load(path):
    safe = {'weights_only': True} if 'weights_only' in inspect.signature(torch.load).parameters else {}
    return torch.load(path, **safe)


def read_safetensors(path):
    """The format by the book, with all that a reader may insist on."""
    data = open(path, 'rb').read()
    length, = struct.unpack('<Q', data[:8])
    assert data[8:9] == b'{' and (8 + length) % 8 == 0, 'the data is aligned'
    header = json.loads(data[8:8 + length].decode('utf-8'))
    assert header.pop('__metadata__') == {'format': 'pt'}
    body, end, tensors = data[8 + length:], 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
        assert sorted(entry) == ['data_offsets', 'dtype', 'shape']
        (start, stop), dtype = entry['data_offsets'], DTYPES[entry['dtype']]
        assert start == end and start % torch.empty(0, dtype=dtype).element_size() == 0, 'no holes, every element aligned'
        tensors[name] = torch.frombuffer(bytearray(body[start:stop]), dtype=dtype).reshape(entry['shape']) if stop > start else torch.empty(entry['shape'], dtype=dtype)
        end = stop
    assert end == len(body)
    return tensors


g = torch.Generator().manual_seed(11)
base = torch.arange(60, dtype=torch.float32).view(6, 10)
values = collections.OrderedDict()
for name, dtype in DTYPES.items():
    whole = torch.randn(4, 6, generator=g).mul(50).to(dtype)
    values.update({f'{name}.whole': whole, f'{name}.transposed': whole.t(), f'{name}.columns': whole[:, 1::2], f'{name}.offset': whole[2], f'{name}.expanded': whole[1:2].expand(3, 6),
                   f'{name}.scalar': whole[3, 4], f'{name}.empty': torch.empty(0, 3, dtype=dtype)})
values.update(shared=base, tied=base, deep=torch.arange(120).view(2, 3, 4, 5).permute(3, 1, 0, 2), mixed=base[1:5, 2:9:3].t().expand(2, 3, 4), parameter=torch.nn.Parameter(torch.randn(2, 3, generator=g)),
              large=torch.randn(300, 500, generator=g).t()[::3], frozen=torch.nn.Parameter(torch.ones(2), requires_grad=False))
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
assert hasattr(model, '_metadata')
for stem, state in (('values', values), ('model', model)):
    torch.save(state, f'{here}/{stem}.zip.pth')
    torch.save(state, f'{here}/{stem}.legacy.pth', _use_new_zipfile_serialization=False)
    torch.save(dict(state), f'{here}/{stem}.protocol4.pth', pickle_protocol=4)


class Evil:
    def __init__(self, call): self.call = call
    def __reduce__(self): return self.call


for number, call in enumerate([(os.system, (f'touch {here}/ran',)), (eval, (f'open("{here}/ran", "w")',)), (exec, ('import os',)), (getattr, ('', 'join')), (torch.load, (f'{here}/x',))]):
    for legacy in (False, True):
        torch.save({'w': torch.zeros(2), 'x': Evil(call)}, f'{here}/evil-{number}{"-legacy" if legacy else ""}.pth', _use_new_zipfile_serialization=not legacy)

with zipfile.ZipFile(f'{here}/ours.pth') as ours:
    assert ours.testzip() is None
print(json.dumps(dict(ours=describe(load(f'{here}/ours.pth')), safetensors=describe(read_safetensors(f'{here}/ours.safetensors')), values=describe(values), model=describe(model))))
