// Greedy continuations with transformers.js. In: { folder, options, prompts: [text], maxNewTokens }; out: the ids of the prompts, the new ids and their texts, and the inputs that the library sees.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { dirname, basename, resolve } from 'node:path';

const modules = createRequire(resolve(process.argv[2], 'node_modules', '_'));
const { AutoModelForCausalLM, AutoTokenizer, env } = await import(pathToFileURL(modules.resolve('@huggingface/transformers')));
let text = '';
for await (const chunk of process.stdin) text += chunk;
const { folder, options, prompts, maxNewTokens } = JSON.parse(text);

env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const tokenizer = await AutoTokenizer.from_pretrained(basename(folder));
const model = await AutoModelForCausalLM.from_pretrained(basename(folder), options);
const result = { promptIds: [], ids: [], texts: [], inputs: model.sessions.model.inputNames };
for (const prompt of prompts) {
    const inputs = tokenizer(prompt);
    const output = await model.generate({ ...inputs, max_new_tokens: maxNewTokens, do_sample: false });
    const promptIds = inputs.input_ids.tolist()[0].map(Number);
    const ids = output.tolist()[0].slice(promptIds.length).map(Number);
    result.promptIds.push(promptIds);
    result.ids.push(ids);
    result.texts.push(tokenizer.decode(ids, { skip_special_tokens: true }));
}
console.log(JSON.stringify(result));
