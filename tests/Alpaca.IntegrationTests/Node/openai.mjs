// Calls a server with OpenAI's JavaScript client and prints what it got.
// node openai.mjs NODE_MODULES_FOLDER < {"baseURL", "model", "question"}
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages = createRequire(join(process.argv[2], 'package.json'));
const { default: OpenAI } = await import(pathToFileURL(packages.resolve('openai').replace(/index\.js$/, 'index.mjs')));

let input = '';
for await (const piece of process.stdin) input += piece;
const { baseURL, model, question } = JSON.parse(input);

const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: question }];
const greedy = { model, messages, temperature: 0, max_tokens: 24 };
const result = { errors: {} };

const whole = await client.chat.completions.create(greedy);
result.whole = whole.choices[0].message.content;
result.usage = whole.usage;

result.streamed = '';
result.pieces = 0;
for await (const chunk of await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } })) {
  const text = chunk.choices[0]?.delta?.content;
  if (text) {
    result.streamed += text;
    result.pieces++;
  }
  result.streamedUsage = chunk.usage ?? result.streamedUsage;
}

const characters = [...result.whole];
result.stop = characters[Math.floor(characters.length / 2)];
const stopped = await client.chat.completions.create({ ...greedy, stop: [result.stop, 'never said'] });
result.stopped = stopped.choices[0].message.content;
result.stopReason = stopped.choices[0].finish_reason;

const weighed = await client.chat.completions.create({ ...greedy, max_tokens: 6, logprobs: true, top_logprobs: 2 });
result.logprobs = weighed.choices[0].logprobs.content;

const several = { model, messages, temperature: 1.5, max_tokens: 8, n: 3, seed: 1 };
result.choices = (await client.chat.completions.create(several)).choices;
const indices = new Set();
for await (const chunk of await client.chat.completions.create({ ...several, stream: true })) chunk.choices.forEach(choice => indices.add(choice.index));
result.streamedChoices = [...indices];

const completion = await client.completions.create({ model, prompt: question, max_tokens: 8, temperature: 0, logprobs: 2 });
result.completion = completion.choices[0].text;
result.completionLogprobs = completion.choices[0].logprobs;

result.embedding = (await client.embeddings.create({ model, input: question, encoding_format: 'float' })).data[0].embedding.length;
result.models = (await client.models.list()).data.map(entry => entry.id);

async function failing(name, call) {
  try {
    await call();
    result.errors[name] = null;
  } catch (error) {
    result.errors[name] = { type: error.constructor.name, status: error.status ?? 0, code: error.code ?? '', param: error.param ?? '', message: error.message };
  }
}

await failing('unknownModel', () => client.chat.completions.create({ ...greedy, model: 'no-such-model' }));
await failing('badValue', () => client.chat.completions.create({ ...greedy, top_p: 7 }));
await failing('tooLong', () => client.chat.completions.create({ ...greedy, messages: [{ role: 'user', content: question.repeat(2000) }] }));

const controller = new AbortController();
result.piecesBeforeAbort = 0;
await failing('aborted', async () => {
  const stream = await client.chat.completions.create({ model, messages, temperature: 2, top_p: 1, max_tokens: 100000, seed: 42, stream: true }, { signal: controller.signal });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content && ++result.piecesBeforeAbort === 1) controller.abort();
  }
  // The iterator of this package ends without an error when its own signal fires.
  if (controller.signal.aborted) throw new OpenAI.APIUserAbortError();
});

process.stdout.write(JSON.stringify(result));
