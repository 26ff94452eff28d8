#!/usr/bin/python3
"""Tiny original checkpoints and the digests that PyTorch computes for them in Hugging Face's layout.

usage: make_fixtures.py MAKE_GOLDEN.py      (writes beside this file; needs python3-torch and python3-sentencepiece)
"""
import json, os, shutil, subprocess, sys, tempfile
import sentencepiece as spm

here = os.path.dirname(os.path.abspath(__file__))
VARIANTS = {
    'shards1': ['--heads', '4', '--shards', '1'],
    'shards2': ['--heads', '4', '--shards', '2'],
    'shards4': ['--heads', '4', '--shards', '4'],
    'bf16': ['--heads', '2', '--shards', '2', '--dtype', 'bf16'],
    'fp32': ['--heads', '2', '--shards', '1', '--dtype', 'fp32'],
    'gqa': ['--heads', '4', '--kv', '2', '--shards', '2', '--theta', '500000'],
}
SENTENCES = ['the cat sat on the mat and looked at the moon', 'below is an instruction that describes a task', 'a model reads a prompt and writes a response',
             'the quick brown fox jumps over the lazy dog', '今天天气很好我们去公园散步', '请介绍一下北京的历史和文化']

with tempfile.TemporaryDirectory() as work:
    with open(f'{work}/text', 'w') as f: f.write('\n'.join(SENTENCES * 20))
    for name, size in (('base', 96), ('merged', 112)):
        spm.SentencePieceTrainer.Train(f'--input={work}/text --model_prefix={work}/{name} --vocab_size={size} --model_type=bpe --character_coverage=0.98 '
                                       '--hard_vocab_limit=false --normalization_rule_name=identity --minloglevel=2')
    with open(f'{work}/data.json', 'w') as f: json.dump([{'instruction': 'describe', 'input': '', 'output': 'the cat sat'}] * 8, f)
    digests = {}
    for name, options in VARIANTS.items():
        subprocess.check_call([sys.argv[1], f'{work}/{name}', '7', '--tokenizer', f'{work}/base.model', '--merged', f'{work}/merged.model', '--data', f'{work}/data.json',
                               '--dim', '32', '--layers', '1', '--multiple', '32', *options])
        shutil.rmtree(f'{here}/{name}', ignore_errors=True)
        shutil.copytree(f'{work}/{name}/meta', f'{here}/{name}')
        digests[name] = json.load(open(f'{work}/{name}/expected.json'))['hf_tensor_sha256']
    shutil.copy(f'{work}/base.model', f'{here}/tokenizer.model')
    with open(f'{here}/digests.json', 'w') as f: json.dump(digests, f, indent=1)
