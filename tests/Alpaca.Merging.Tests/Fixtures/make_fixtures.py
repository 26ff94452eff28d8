#!/usr/bin/python3
"""A tiny base model, two adapters and what merging them gives in PyTorch, rounded once per adapter.

usage: make_fixtures.py MAKE_GOLDEN.py      (writes beside this file; needs python3-torch and python3-sentencepiece)
"""
import json, os, shutil, subprocess, sys, tempfile
import sentencepiece as spm, torch

here = os.path.dirname(os.path.abspath(__file__))
SENTENCES = ['the cat sat on the mat and looked at the moon', 'below is an instruction that describes a task', 'a model reads a prompt and writes a response',
             'the quick brown fox jumps over the lazy dog', '今天天气很好我们去公园散步', '请介绍一下北京的历史和文化']
HEADS, DIM = 4, 32
MAP = {'attention.wq': 'self_attn.q_proj', 'attention.wk': 'self_attn.k_proj', 'attention.wv': 'self_attn.v_proj', 'attention.wo': 'self_attn.o_proj',
       'feed_forward.w1': 'mlp.gate_proj', 'feed_forward.w2': 'mlp.down_proj', 'feed_forward.w3': 'mlp.up_proj',
       'attention_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm'}
TOP = {'tok_embeddings': 'model.embed_tokens', 'norm': 'model.norm', 'output': 'lm_head'}

def to_hf(meta):
    result = {}
    for key, w in meta.items():
        name = key[:-len('.weight')]
        if key == 'rope.freqs': continue
        if name in TOP: result[TOP[name] + '.weight'] = w; continue
        _, layer, rest = name.split('.', 2)
        if rest in ('attention.wq', 'attention.wk'): w = w.view(HEADS, DIM // HEADS // 2, 2, DIM).transpose(1, 2).reshape(DIM, DIM)
        result[f'model.layers.{layer}.{MAP[rest]}.weight'] = w
    return result

def merge(state, folder):
    adapter, config = torch.load(f'{folder}/adapter_model.bin'), json.load(open(f'{folder}/adapter_config.json'))
    scale = config['lora_alpha'] / config['r']
    for key, value in adapter.items():
        name = key[len('base_model.model.'):]
        if 'lora_' not in name: state[name] = value.half()
    for name in state:
        a = adapter.get(f'base_model.model.{name[:-7]}.lora_A.weight')
        if a is not None: state[name] = state[name].clone().add_((adapter[f'base_model.model.{name[:-7]}.lora_B.weight'] @ a) * scale)
    return state

with tempfile.TemporaryDirectory() as work:
    with open(f'{work}/text', 'w') as f: f.write('\n'.join(SENTENCES * 20))
    for name, size in (('base', 96), ('merged', 112)):
        spm.SentencePieceTrainer.Train(f'--input={work}/text --model_prefix={work}/{name} --vocab_size={size} --model_type=bpe --character_coverage=0.98 '
                                       '--hard_vocab_limit=false --normalization_rule_name=identity --minloglevel=2')
    with open(f'{work}/data.json', 'w') as f: json.dump([{'instruction': 'describe', 'input': '', 'output': 'the cat sat'}] * 8, f)
    subprocess.check_call([sys.argv[1], f'{work}/out', '7', '--tokenizer', f'{work}/base.model', '--merged', f'{work}/merged.model', '--data', f'{work}/data.json',
                           '--dim', str(DIM), '--heads', str(HEADS), '--layers', '1', '--multiple', '32', '--shards', '1'])
    meta = torch.load(f'{work}/out/meta/consolidated.00.pth')
    state = to_hf(meta)
    os.makedirs(f'{here}/base', exist_ok=True)
    torch.save({k: v.contiguous() for k, v in state.items()}, f'{here}/base/pytorch_model.bin')
    json.dump(dict(architectures=['LlamaForCausalLM'], model_type='llama', hidden_size=DIM, intermediate_size=meta['layers.0.feed_forward.w1.weight'].shape[0], num_hidden_layers=1,
                   num_attention_heads=HEADS, vocab_size=96, rms_norm_eps=1e-6, torch_dtype='float16', bos_token_id=1, eos_token_id=2, pad_token_id=0, hidden_act='silu',
                   max_position_embeddings=2048, tie_word_embeddings=False), open(f'{here}/base/config.json', 'w'), indent=2, sort_keys=True)
    shutil.copy(f'{work}/base.model', f'{here}/base/tokenizer.model')
    for name in ('adapter-pretrain', 'adapter-sft'):
        shutil.rmtree(f'{here}/{name}', ignore_errors=True)
        shutil.copytree(f'{work}/out/{name}', f'{here}/{name}')
        state = merge(state, f'{here}/{name}')
    torch.save(state, f'{here}/merged.bin')
    merged = open(f'{work}/merged.model', 'rb').read()
    open(f'{here}/adapter-pretrain/tokenizer.model', 'wb').write(merged)
    # The same with one more piece, [PAD] with score 0: a field 1 of ModelProto at the end.
    open(f'{here}/adapter-sft/tokenizer.model', 'wb').write(merged + b'\x0a\x0c\x0a\x05[PAD]\x15\x00\x00\x00\x00')
