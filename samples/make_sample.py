#!/usr/bin/env python3
"""Makes the embedded sample: a tiny LLaMA in the layout of the original release, and a tiny Chinese SentencePiece model.

Needs Debian 12's python3-torch (1.13) and python3-sentencepiece (0.1.97), and libopenblas0, without which it takes ten times as long.
Nothing is downloaded. It runs on one core for about three minutes.

    /usr/bin/python3 make_sample.py [OUTPUT]        OUTPUT defaults to this script's folder

Reads  corpus/en.txt, corpus/zh.txt     plain text, one paragraph a line
       instructions/train/*.json        the instruction data, read as plain text: question and answer on a line
Writes llama-tiny/tokenizer.model       SentencePiece BPE with LLaMA's settings, learnt from English: Chinese is spelt in bytes
       llama-tiny/tiny/                 a base model pre-trained on all of this, in float16, sharded as the 13B model was
       chinese_sp.model                 SentencePiece unigram, learnt from Chinese, to be merged into the above

The same machine gives the same bytes again. Another one may round a sum differently, and then the weights differ slightly.
"""
import hashlib
import io
import json
import math
import sys
from pathlib import Path

import sentencepiece
import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
SEED = 20230516
SHARDS = 2
ENGLISH_PIECES = 1024
CHINESE_PIECES = 1152

# What every Chinese text needs and LLaMA's own tokenizer has too: full-width punctuation and a few characters.
SHARED_CHARACTERS = '，。？！：；、（）《》“”中国人大小一二三上下'

# ---------------------------------------------------------------- tokenizers


def train_tokenizer(sentences, **options):
    """Learns a SentencePiece model and returns its serialized form. One thread, because the order of sums decides ties."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, num_threads=1, minloglevel=2,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, split_digits=True, **options)
    return model.getvalue()


def train_english_tokenizer(sentences):
    """LLaMA's settings: byte fallback for what is not in the vocabulary, no normalization, spaces kept as they are."""
    return train_tokenizer(
        [text for text in sentences if text.isascii()] + [SHARED_CHARACTERS], model_type='bpe', vocab_size=ENGLISH_PIECES,
        byte_fallback=True, character_coverage=1.0, normalization_rule_name='identity', add_dummy_prefix=True, remove_extra_whitespaces=False)


def train_chinese_tokenizer(sentences):
    """The settings of Chinese-LLaMA's chinese_sp.model."""
    return train_tokenizer(
        sentences, model_type='unigram', vocab_size=CHINESE_PIECES,
        character_coverage=1.0, normalization_rule_name='nmt_nfkc')


# ---------------------------------------------------------------- model: the published decoder, under the names of the original checkpoint


class Parameters:
    dim = 128
    multiple_of = 32
    n_heads = 4
    n_layers = 4
    norm_eps = 1e-6

    head_dim = dim // n_heads
    hidden_dim = multiple_of * math.ceil(int(8 * dim / 3) / multiple_of)

    @classmethod
    def json(cls):
        # vocab_size is -1 in the original files too: the tokenizer says how many there are.
        names = ('dim', 'multiple_of', 'n_heads', 'n_layers', 'norm_eps')
        return json.dumps({**{name: getattr(cls, name) for name in names}, 'vocab_size': -1})


def rotation_frequencies():
    return 1.0 / 10000 ** (torch.arange(0, Parameters.head_dim, 2).float() / Parameters.head_dim)


def rotate(x, angles):
    """Turns neighbouring pairs of x [B, H, T, D] by angles [T, D/2]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(Parameters.dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + Parameters.norm_eps) * self.weight


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(Parameters.dim, Parameters.dim, bias=False) for _ in range(4))

    def forward(self, x, angles):
        batch, length, dim = x.shape
        q, k, v = (w(x).view(batch, length, Parameters.n_heads, -1).transpose(1, 2) for w in (self.wq, self.wk, self.wv))  # [B, H, T, D]
        q, k = rotate(q, angles), rotate(k, angles)
        future = torch.full((length, length), -math.inf).triu(1)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(Parameters.head_dim) + future).softmax(-1)  # [B, H, T, T]
        return self.wo((weights @ v).transpose(1, 2).reshape(batch, length, dim))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Linear(Parameters.dim, Parameters.hidden_dim, bias=False)
        self.w2 = nn.Linear(Parameters.hidden_dim, Parameters.dim, bias=False)
        self.w3 = nn.Linear(Parameters.dim, Parameters.hidden_dim, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.feed_forward = Attention(), FeedForward()
        self.attention_norm, self.ffn_norm = RMSNorm(), RMSNorm()

    def forward(self, x, angles):
        x = x + self.attention(self.attention_norm(x), angles)
        return x + self.feed_forward(self.ffn_norm(x))


class Transformer(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.tok_embeddings = nn.Embedding(vocabulary, Parameters.dim)
        self.layers = nn.ModuleList(Layer() for _ in range(Parameters.n_layers))
        self.norm = RMSNorm()
        self.output = nn.Linear(Parameters.dim, vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
        for layer in self.layers:  # what is added to the residual stream starts smaller, so that depth does not blow it up
            for added in (layer.attention.wo, layer.feed_forward.w2):
                nn.init.normal_(added.weight, std=0.02 / math.sqrt(2 * Parameters.n_layers))

    def forward(self, ids):
        """Token ids [B, T] to logits [B, T, V]."""
        angles = torch.outer(torch.arange(ids.shape[1]).float(), rotation_frequencies())
        x = self.tok_embeddings(ids)
        for layer in self.layers:
            x = layer(x, angles)
        return self.output(self.norm(x))


# ---------------------------------------------------------------- pre-training


def pretrain(model, paragraphs, steps=800, batch=16, window=96, peak=2e-3):
    """Next-token training on random windows of the corpus; the paragraphs are reshuffled for every pass over it."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.95), weight_decay=0.1)
    stream = torch.empty(0, dtype=torch.long)
    for step in range(steps):
        while len(stream) < batch * window + 1:
            stream = torch.cat([stream] + [paragraphs[i] for i in torch.randperm(len(paragraphs))])
        ids, targets = stream[:batch * window].view(batch, window), stream[1:batch * window + 1].view(batch, window)
        stream = stream[batch * window:]

        rate = min((step + 1) / 30, 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group['lr'] = peak * rate
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0 or step == steps - 1:
            print(f'pre-training step {step:4}  loss {loss.item():.3f}', flush=True)


# ---------------------------------------------------------------- the original checkpoint

# The dimension along which each weight is cut into shards; weights not named here are in every shard.
SHARD_DIMENSION = {'tok_embeddings': 1, 'output': 0, 'wq': 0, 'wk': 0, 'wv': 0, 'wo': 1, 'w1': 0, 'w3': 0, 'w2': 1}


def save_checkpoint(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.to(torch.float16) for name, value in model.state_dict().items()}
    files = []
    for shard in range(SHARDS):
        part = {}
        for name, value in weights.items():
            dimension = SHARD_DIMENSION.get(name.split('.')[-2])
            part[name] = (value if dimension is None else value.chunk(SHARDS, dimension)[shard]).clone(memory_format=torch.contiguous_format)
        part['rope.freqs'] = rotation_frequencies().to(torch.float16)
        files.append(folder / f'consolidated.{shard:02}.pth')
        torch.save(part, files[-1])
    files.append(folder / 'params.json')
    files[-1].write_text(Parameters.json())
    write_checklist(folder / 'checklist.chk', files)


def write_checklist(path, files):
    """The format of md5sum, which the original download script checks with."""
    path.write_text(''.join(f'{hashlib.md5(file.read_bytes()).hexdigest()}  {file.name}\n' for file in files))


# ---------------------------------------------------------------- everything together


def read_instructions(language):
    """The instruction data as plain text: what is asked and what is answered, a line each."""
    records = json.loads((HERE / f'instructions/train/{language}.json').read_text('utf-8'))
    return [' '.join(text for text in (record['instruction'], record['input'], record['output']) if text) for record in records]


def main(output):
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    english, chinese = ((HERE / f'corpus/{language}.txt').read_text('utf-8').splitlines() for language in ('en', 'zh'))

    questions = read_instructions('en'), read_instructions('zh')

    llama = output / 'llama-tiny'
    llama.mkdir(parents=True, exist_ok=True)
    tokenizer_file = llama / 'tokenizer.model'
    tokenizer_file.write_bytes(train_english_tokenizer(english + questions[0]))
    write_checklist(llama / 'tokenizer_checklist.chk', [tokenizer_file])
    (output / 'chinese_sp.model').write_bytes(train_chinese_tokenizer(chinese + questions[1]))

    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer_file))
    paragraphs = [torch.tensor([tokenizer.bos_id(), *tokenizer.encode(line), tokenizer.eos_id()]) for line in english + chinese + questions[0] + questions[1]]
    print(f'{tokenizer.vocab_size()} pieces, {len(paragraphs)} paragraphs, {sum(map(len, paragraphs))} tokens')

    model = Transformer(tokenizer.vocab_size())
    print(f'{sum(p.numel() for p in model.parameters()):,} parameters')
    pretrain(model, paragraphs)
    save_checkpoint(model, llama / 'tiny')


if __name__ == '__main__':
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
