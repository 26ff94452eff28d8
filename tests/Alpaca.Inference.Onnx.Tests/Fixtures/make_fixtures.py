#!/usr/bin/python3
"""Makes the model folders beside this file: tiny LLaMAs with random weights, and what PyTorch computes with them.

Each folder is in Hugging Face layout (config.json, model.safetensors) and has reference.json: a prompt, the logits after it, and its greedy continuation.
The decoder below follows the published equations in float32.
"""
import json, math, os, struct
import torch, torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {'float16': (torch.float16, 'F16'), 'bfloat16': (torch.bfloat16, 'BF16'), 'float32': (torch.float32, 'F32')}


def frequencies(c):
    d = c['head_dim']
    inv = 1.0 / (c['rope_theta'] ** (torch.arange(0, d, 2).float() / d))
    s = c.get('rope_scaling')
    if s is None: return inv
    if s['rope_type'] == 'linear': return inv / s['factor']
    wavelength = 2 * math.pi / inv
    low, high, original = s['low_freq_factor'], s['high_freq_factor'], s['original_max_position_embeddings']
    smooth = ((original / wavelength - low) / (high - low)).clamp(0, 1)
    return (1 - smooth) * inv / s['factor'] + smooth * inv


def decoder(ids, c, w):
    """Logits [T, V]."""
    T, d = len(ids), c['head_dim']
    heads, kv = c['num_attention_heads'], c['num_key_value_heads']
    rms = lambda n, x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c['rms_norm_eps']) * w[n + '.weight']
    angle = torch.cat([torch.outer(torch.arange(T).float(), frequencies(c))] * 2, -1)
    rotate = lambda x: x * angle.cos() + torch.cat([-x[..., d // 2:], x[..., :d // 2]], -1) * angle.sin()
    x = w['model.embed_tokens.weight'][torch.tensor(ids)]
    for i in range(c['num_hidden_layers']):
        l = f'model.layers.{i}.'
        linear = lambda n, x: x @ w[l + n + '.weight'].T
        y = rms(l + 'input_layernorm', x)
        q, k, v = (linear(f'self_attn.{n}_proj', y).view(T, -1, d).transpose(0, 1) for n in 'qkv')  # [heads, T, d]
        q, k = rotate(q), rotate(k)
        k, v = (t.repeat_interleave(heads // kv, 0) for t in (k, v))
        scores = q @ k.transpose(1, 2) / math.sqrt(d) + torch.full((T, T), float('-inf')).triu(1)
        x = x + linear('self_attn.o_proj', (scores.softmax(-1) @ v).transpose(0, 1).reshape(T, heads * d))
        y = rms(l + 'post_attention_layernorm', x)
        x = x + linear('mlp.down_proj', F.silu(linear('mlp.gate_proj', y)) * linear('mlp.up_proj', y))
    return rms('model.norm', x) @ w.get('lm_head.weight', w['model.embed_tokens.weight']).T


def weights(c, g):
    h, d, ffn, vocab = c['hidden_size'], c['head_dim'], c['intermediate_size'], c['vocab_size']
    q, kv = c['num_attention_heads'] * d, c['num_key_value_heads'] * d
    matrix = lambda rows, columns: torch.randn(rows, columns, generator=g) / math.sqrt(columns)
    norm = lambda: 1 + 0.1 * torch.randn(h, generator=g)
    # A tied head makes a model repeat its input unless the layers outweigh the embedding.
    w = {'model.embed_tokens.weight': (0.2 if c['tie_word_embeddings'] else 1) * torch.randn(vocab, h, generator=g), 'model.norm.weight': norm()}
    if not c['tie_word_embeddings']: w['lm_head.weight'] = 3 * matrix(vocab, h)
    for i in range(c['num_hidden_layers']):
        l = f'model.layers.{i}.'
        for n, rows, columns in (('q', q, h), ('k', kv, h), ('v', kv, h), ('o', h, q)): w[f'{l}self_attn.{n}_proj.weight'] = matrix(rows, columns)
        for n, rows, columns in (('gate', ffn, h), ('up', ffn, h), ('down', h, ffn)): w[f'{l}mlp.{n}_proj.weight'] = matrix(rows, columns)
        w[l + 'input_layernorm.weight'], w[l + 'post_attention_layernorm.weight'] = norm(), norm()
    return w


def save_safetensors(path, w, dtype):
    header, data = {}, b''
    for name in sorted(w):
        t = w[name].contiguous()
        raw = t.view(torch.int16 if t.element_size() == 2 else torch.int32).numpy().tobytes()
        header[name] = dict(dtype=DTYPES[dtype][1], shape=list(t.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    open(path, 'wb').write(struct.pack('<Q', len(text)) + text + data)


def make(folder, seed, hidden, heads, kv, head_dim, layers, ffn, dtype, theta=10000.0, scaling=None, tied=False, vocab=160):
    g = torch.Generator().manual_seed(seed)
    c = dict(architectures=['LlamaForCausalLM'], model_type='llama', hidden_act='silu', bos_token_id=1, eos_token_id=2, hidden_size=hidden, intermediate_size=ffn,
             num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv, head_dim=head_dim, vocab_size=vocab, rms_norm_eps=1e-5, rope_theta=theta,
             rope_scaling=scaling, max_position_embeddings=512, tie_word_embeddings=tied, torch_dtype=dtype)
    stored = {n: t.to(DTYPES[dtype][0]) for n, t in weights(c, g).items()}
    w = {n: t.float() for n, t in stored.items()}
    prompt = [1] + torch.randint(3, vocab, (39,), generator=g).tolist()
    logits = decoder(prompt, c, w)[-1]
    ids = list(prompt)
    for _ in range(16): ids.append(int(decoder(ids, c, w)[-1].argmax()))
    path = os.path.join(HERE, folder)
    os.makedirs(path, exist_ok=True)
    save_safetensors(f'{path}/model.safetensors', stored, dtype)
    json.dump(c, open(f'{path}/config.json', 'w'), indent=2)
    json.dump(dict(prompt=prompt, logits=[round(float(x), 6) for x in logits], greedy=ids[len(prompt):]), open(f'{path}/reference.json', 'w'))
    print(folder, sum(t.numel() for t in w.values()), 'parameters, greedy', ids[len(prompt):])


make('plain', 1, hidden=32, heads=2, kv=2, head_dim=16, layers=2, ffn=96, dtype='float16')
make('grouped', 6, hidden=48, heads=4, kv=2, head_dim=32, layers=1, ffn=80, dtype='bfloat16', theta=500000.0)
make('tied', 19, hidden=32, heads=2, kv=1, head_dim=16, layers=2, ffn=64, dtype='float32', tied=True,
     scaling=dict(rope_type='llama3', factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))
