#!/usr/bin/python3
"""Makes tiny-gqa/: a random LLaMA in Hugging Face layout with PyTorch's logits, greedy tokens and evaluation figures.

usage: make_fixtures.py MAKE_GOLDEN.py SEED BASE.model MERGED.model INSTRUCTIONS.json OUT

Needs PyTorch, and make_golden.py for the decoder. BASE.model is a SentencePiece BPE model with byte fallback; MERGED.model serves only to satisfy make_golden.py.
"""
import json, math, os, runpy, shutil, struct, sys, tempfile
import torch, torch.nn.functional as F

golden, seed, base, merged, data, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
sys.argv = [golden, tempfile.mkdtemp(), seed, '--tokenizer', base, '--merged', merged, '--data', data, '--dim', '32', '--layers', '2', '--heads', '4', '--kv', '2',
            '--shards', '1', '--dtype', 'fp16', '--theta', '500000', '--multiple', '16']
g = runpy.run_path(golden)
H, E, sp, decoder, H32 = (g[k] for k in ('H', 'E', 'sp', 'decoder', 'H32'))

# ---- the model folder
header, offset = {}, 0
for name, t in H.items():
    size = t.numel() * 2
    header[name] = dict(dtype='F16', shape=list(t.shape), data_offsets=[offset, offset + size]); offset += size
text = json.dumps(header).encode(); text += b' ' * (-(8 + len(text)) % 64)
with open(f'{out}/model.safetensors', 'wb') as f:
    f.write(struct.pack('<Q', len(text)) + text)
    for t in H.values(): f.write(t.contiguous().numpy().tobytes())
json.dump(dict(architectures=['LlamaForCausalLM'], model_type='llama', hidden_act='silu', hidden_size=32, intermediate_size=E['config']['ffn'], num_hidden_layers=2,
               num_attention_heads=4, num_key_value_heads=2, vocab_size=sp.GetPieceSize(), rms_norm_eps=1e-6, rope_theta=500000.0, max_position_embeddings=256,
               tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, torch_dtype='float16'), open(f'{out}/config.json', 'w'), indent=2)
shutil.copy(base, f'{out}/tokenizer.model')

# ---- evaluation figures over the instructions, cut at 160 tokens
rows = json.load(open(data))
if os.path.abspath(data) != os.path.abspath(f'{out}/instructions.json'): shutil.copy(data, f'{out}/instructions.json')
nll = tokens = hits = 0
for d in rows:
    ins = d['instruction'] + ('\n' + d['input'] if d.get('input') else '')
    src = [1] + sp.EncodeAsIds(f'Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\n{ins}\n\n### Response: ')
    tgt = sp.EncodeAsIds(d['output']) + [2]
    ids, labels = (src + tgt)[:160], torch.tensor(([-100] * len(src) + tgt)[:160])[1:]
    with torch.no_grad(): lg = decoder(torch.tensor(ids), H32)[:-1]
    nll += F.cross_entropy(lg, labels, ignore_index=-100, reduction='sum').item()
    keep = labels != -100
    tokens += int(keep.sum()); hits += int((lg.argmax(-1) == labels)[keep].sum())

# ---- Llama 3.1's frequency scaling, as transformers' _compute_llama3_parameters has it (head size 64, base 500000, factor 8, 1, 4, 8192)
inv = 1.0 / (500000.0 ** (torch.arange(0, 64, 2).float() / 64)); wave = 2 * math.pi / inv
scaled = torch.where(wave > 8192 / 1.0, inv / 8, inv)
smooth = (8192 / wave - 1.0) / (4.0 - 1.0)
medium = ~(wave < 8192 / 4.0) & ~(wave > 8192 / 1.0)
scaled = torch.where(medium, (1 - smooth) * scaled / 8 + smooth * scaled, scaled)

json.dump(dict(promptIds=E['prompt_ids'], lastLogits=E['last_logits_first_64'], argmax=E['last_logits_argmax'], l2=E['logits_l2'], greedy=E['greedy_16'],
               evaluation=dict(maxSeqLength=160, evalLoss=nll / tokens, tokenAccuracy=hits / tokens, tokens=tokens),
               llama3Frequencies=[float(x) for x in scaled]), open(f'{out}/expected.json', 'w'), indent=1)
print(nll / tokens, hits, tokens)
