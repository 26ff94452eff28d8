#!/usr/bin/python3
"""Trains the tiny SentencePiece models of the tests and writes what SentencePiece itself makes of many texts and ids.

usage: make_fixtures.py          (Debian's python3-sentencepiece, 0.1.97; writes beside itself)

  base.model      byte-pair encoding as LLaMA's: byte fallback, identity normalisation
  special.model   without byte fallback, with user-defined and control symbols
  unused.model    base.model with half of its pieces marked unused
  chinese.model   unigram with its own normalisation, to be merged into base.model
  unigram.model   unigram with a character map that makes characters more, fewer and none, spaces folded, user-defined and control symbols
  unigram-bytes.model  unigram with byte fallback, without a space before the text, spaces kept
  NAME.json       {"encode": [{"text", "ids", "spans": [[begin, end] in UTF-16 code units], "decoded"}], "decode": [{"ids", "text"}]}
  merged.json     the same for base.model merged with chinese.model, and {"sha256", "sha256WithPad", "pieces", "added", "duplicates"}
"""
import hashlib, io, json, os, random, tempfile
import sentencepiece as spm

HERE = os.path.dirname(os.path.abspath(__file__))
ENGLISH = """The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, and the shells she sells are surely seashells.
A journey of a thousand miles begins with a single step. Where there is a will there is a way; when in Rome, do as the Romans do.
Below is an instruction that describes a task. Write a response that appropriately completes the request.
### Instruction: Explain why the sky is blue. ### Response: Because shorter waves of light are scattered more than longer ones.
To be or not to be, that is the question. All that glitters is not gold. Practice makes perfect, and haste makes waste.
Water boils at 100 degrees, freezes at 0 degrees, and in 2023 the temperature rose by 1.5 degrees; 3 + 4 = 7 and 12 * 12 = 144.
def add(a, b):    return a + b      if a is None:        raise ValueError("a is missing")""".split('\n')
CHINESE = """为什么要减少污染，保护环境？因为干净的空气和水对每个人的健康都很重要。
白日依山尽，黄河入海流。欲穷千里目，更上一层楼。
人工智能是计算机科学、心理学、哲学等学科融合的交叉学科。
中国的首都是北京，北京有很多名胜古迹，例如故宫、长城和颐和园。
学习一门新的语言需要时间和耐心，每天练习一点点，坚持下去就会有进步。
请把下面的句子翻译成英文：今天天气很好，我们一起去公园散步吧。
春天来了，花儿开了，小鸟在树上唱歌，孩子们在草地上奔跑。
机器学习和深度学习是人工智能的重要分支，语言模型可以回答问题、写文章和翻译。""".split('\n')
WORDS = [a + b for a in '中国 北京 学习 语言 人工智能 计算机 科学 环境 污染 保护 天气 公园'.split() for b in '的 很 是 ， 和 在'.split()]
SCRATCH = 'Größe, naïve café; привет мир; 日本語テスト 한국어 مرحبا 😀👍🏽🇨🇳 𠮷野家 ㊣㈱ é e\u0301'
rnd = random.Random(20230516)


def train(sentences, **options):
    model = io.BytesIO()
    spm.SentencePieceTrainer.Train(sentence_iterator=iter(sentences), model_writer=model, minloglevel=2, **options)
    return model.getvalue()


def processor(model):
    sp = spm.SentencePieceProcessor()
    sp.LoadFromSerializedProto(model)
    return sp


def texts(extra):
    tricky = ['', ' ', '  ', '   ', 'a', ' a', 'a ', '  a  b  ', '\n', '\t', 'a\nb\r\nc', '▁', '▁▁a', 'a▁b', '<s>', '</s>', '<unk>', '<0x41>', '\u0000x', '\ufeffx', '\u200b', '\ufffd',
              SCRATCH, 'Hello world', 'the' * 40, 'sea shells ' * 30, '学习' * 60, '  ' * 50, 'a' * 300, '中' * 200, 'aaaa bbbb', *extra]
    alphabet = [*'abcdefghij THE  ,.\n', *''.join(CHINESE[:3]), *'😀é🇨ß한▁', *extra]
    words = (' '.join(ENGLISH) + ' ' + ' '.join(CHINESE)).split(' ')
    made = [''.join(rnd.choice(alphabet) for _ in range(rnd.randint(1, 40))) for _ in range(60)]
    mixed = [rnd.choice(['', ' ']).join(rnd.choice(words) for _ in range(rnd.randint(1, 12))) for _ in range(60)]
    return [*tricky, *ENGLISH, *CHINESE, *made, *mixed, ' '.join(ENGLISH + CHINESE)]


def utf16(text, characters):
    return len(text[:characters].encode('utf-16-le', 'surrogatepass')) // 2


def expected(model, extra=()):
    sp = processor(model)
    encode = []
    for text in texts(list(extra)):
        proto = sp.encode(text, out_type='immutable_proto')
        encode.append(dict(text=text, ids=[p.id for p in proto.pieces], spans=[[utf16(text, p.begin), utf16(text, p.end)] for p in proto.pieces],
                           decoded=sp.decode([p.id for p in proto.pieces])))
    bytes_ = [i for i in range(sp.get_piece_size()) if sp.is_byte(i)]
    decode = []
    for _ in range(80):
        pool = [lambda: rnd.randrange(sp.get_piece_size()), lambda: rnd.randrange(3), lambda: rnd.choice(bytes_ or [3]),
                lambda: rnd.choice(encode[-1]['ids'])]
        ids = [rnd.choice(pool)() for _ in range(rnd.randint(1, 14))]
        decode.append(dict(ids=ids, text=sp.decode(ids)))
    return dict(encode=encode, decode=decode)


def fields(message):
    """(number, bytes of the whole field, payload) of each field of a protobuf message."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            shift += 7; at += 1
            if message[at - 1] < 128: return value, at
    at = 0
    while at < len(message):
        start = at
        tag, at = varint(at)
        payload = b''
        if tag & 7 == 0: _, at = varint(at)
        elif tag & 7 == 5: at += 4
        elif tag & 7 == 1: at += 8
        else:
            size, at = varint(at)
            payload = message[at:at + size]; at += size
        yield tag >> 3, message[start:at], payload


def merge(base, other, pad=None):
    pieces = lambda model: [next(v for n, _, v in fields(p) if n == 1) for n, _, p in fields(model) if n == 1]
    known = set(pieces(base))
    new = [p for p in pieces(other) if p not in known] + ([pad] if pad else [])
    def wire(p):
        assert len(p) < 100
        body = b'\x0a' + bytes([len(p)]) + p + b'\x15' + bytes(4)
        return b'\x0a' + bytes([len(body)]) + body
    merged = b''.join(raw for n, raw, _ in fields(base) if n == 1) + b''.join(map(wire, new)) + b''.join(raw for n, raw, _ in fields(base) if n != 1)
    return merged, len(pieces(other)), len(new) - bool(pad)


def write(name, content):
    with open(os.path.join(HERE, name), 'wb' if isinstance(content, bytes) else 'w') as f:
        f.write(content) if isinstance(content, bytes) else (json.dump(content, f, ensure_ascii=True, separators=(',', ':')), f.write('\n'))


IDENTITY = dict(model_type='bpe', normalization_rule_name='identity', remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, split_digits=True,
                hard_vocab_limit=False)
base = train(ENGLISH + CHINESE[:2], vocab_size=620, byte_fallback=True, character_coverage=0.98, **IDENTITY)
special = train(ENGLISH + CHINESE[:4], vocab_size=320, user_defined_symbols=['<sep>', '<sep>x', '学习', 'ing', '▁▁▁'], control_symbols=['<mask>', '☃'],
                character_coverage=0.98, **IDENTITY)
with tempfile.NamedTemporaryFile('w', suffix='.tsv') as rules:
    rules.write('FF0C\t2C\nFF1A\t3A\n'); rules.flush()  # a full-width comma and colon become plain ones
    chinese = train(CHINESE * 3 + WORDS + ENGLISH[:1], vocab_size=300, model_type='unigram', normalization_rule_tsv=rules.name, character_coverage=0.9995, hard_vocab_limit=False)
sp = processor(base)
unused = b''
for i, (number, raw, payload) in enumerate(fields(base)):
    # The type of a piece is its third field; what SentencePiece trains as normal has none.
    if number == 1 and len(sp.id_to_piece(i)) > 1 and not (sp.is_byte(i) or sp.is_control(i) or sp.is_unknown(i)) and rnd.random() < 0.5:
        raw = b'\x0a' + bytes([len(payload) + 2]) + payload + b'\x18\x05'
    unused += raw

for name, model, extra in [('base', base, []), ('special', special, ['<sep>', '<sep>x', 'x<sep>x<sep>', '<mask>', '☃', 'a☃b', '▁▁▁', 'singing 学习学习']), ('unused', unused, [])]:
    write(f'{name}.model', model)
    write(f'{name}.json', expected(model, extra))
write('chinese.model', chinese)
merged, size, added = merge(base, chinese)
padded, _, _ = merge(base, chinese, b'[PAD]')
write('merged.json', dict(expected(merged), sha256=hashlib.sha256(merged).hexdigest(), sha256WithPad=hashlib.sha256(padded).hexdigest(),
                          pieces=processor(merged).get_piece_size(), added=added, duplicates=size - added))

with tempfile.NamedTemporaryFile('w', suffix='.tsv') as rules:
    # Full-width forms, a square that becomes four characters, letter and accent that become one, a blank that becomes three, and what vanishes.
    rules.write('FF0C\t2C\nFF21\t41\n337F\t682A 5F0F 4F1A 793E\n65 301\tE9\n3000\t20\n2028\t20 20 20\nA\t20\n9\t20\n200B\t\nFEFF\t\nFB01\t66 69\n1F600\t78\n'); rules.flush()
    unigram = train(CHINESE * 3 + WORDS + ENGLISH, vocab_size=420, model_type='unigram', normalization_rule_tsv=rules.name, character_coverage=0.995, hard_vocab_limit=False,
                    user_defined_symbols=['<sep>', '<sep>x', '学习', 'ing', '\u3000\u3000'], control_symbols=['<mask>', '☃'])
unigram_bytes = train(CHINESE * 3 + WORDS + ENGLISH, vocab_size=680, model_type='unigram', normalization_rule_name='identity', character_coverage=0.98, hard_vocab_limit=False,
                      byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False)
for name, model, extra in [('unigram', unigram, ['\u337fab', 'a\u337f', '\u2028a\u2028', 'e\u0301e\u0301', '\ufb01n\u3000\u3000x', '<sep>x<sep>', '<mask>', '☃', 'singing 学习学习', '\u200b \u200b']),
                           ('unigram-bytes', unigram_bytes, ['  a  ', '\u337f'])]:
    write(f'{name}.model', model)
    write(f'{name}.json', expected(model, extra))
