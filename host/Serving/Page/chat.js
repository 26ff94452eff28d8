// The chat page: a conversation with /v1/chat/completions, streamed. No library, no build step, nothing from elsewhere.

const texts = {
  en: {
    skip: 'Skip to the question', model: 'Model', settings: 'Settings', newChat: 'New chat', language: 'Language', system: 'System prompt', temperature: 'Temperature', topP: 'Top p', topK: 'Top k', minP: 'Min p',
    repetitionPenalty: 'Repetition penalty', maxTokens: 'Most tokens', seed: 'Seed', apiKey: 'API key', defaults: 'Defaults', question: 'Question', send: 'Send', stop: 'Stop', copy: 'Copy', copied: 'Copied',
    conversation: 'Conversation', empty: 'Ask something. Enter sends, Shift+Enter starts a new line, Esc stops the answer.', you: 'You', thinking: 'Waiting for the first words…', writing: 'Answering…',
    stopped: 'stopped', cut: 'cut off at the limit of tokens', loading: 'The model is being loaded; trying again in a moment…', unreachable: 'The server does not answer; is it still running?',
    needsKey: 'The server wants an API key; enter it under Settings.', figures: (tokens, speed) => `${tokens} tokens, ${speed} a second`,
  },
  zh: {
    skip: '跳到提问框', model: '模型', settings: '设置', newChat: '新对话', language: '语言', system: '系统提示', temperature: '温度', topP: 'Top p', topK: 'Top k', minP: 'Min p',
    repetitionPenalty: '重复惩罚', maxTokens: '最多词元', seed: '随机种子', apiKey: 'API 密钥', defaults: '恢复默认', question: '问题', send: '发送', stop: '停止', copy: '复制', copied: '已复制',
    conversation: '对话', empty: '请提问。回车发送，Shift+回车换行，Esc 停止回答。', you: '你', thinking: '正在等待回答……', writing: '正在回答……',
    stopped: '已停止', cut: '已达到词元上限', loading: '模型正在加载，稍后自动重试……', unreachable: '服务器没有响应，它还在运行吗？',
    needsKey: '服务器需要 API 密钥，请在设置中填写。', figures: (tokens, speed) => `${tokens} 个词元，每秒 ${speed} 个`,
  },
};

// The server's own defaults, so that the fields show what holds.
const defaults = { temperature: 0.2, top_p: 0.9, top_k: 40, min_p: 0, repetition_penalty: 1.1, max_tokens: 400 };
const parameters = [...Object.keys(defaults), 'seed'];

const byId = id => document.getElementById(id);
const [model, language, settings, conversation, status, problem, question, send, stop] =
  ['model', 'language', 'settings', 'conversation', 'status', 'problem', 'question', 'send', 'stop'].map(byId);

let words = texts.en;
let messages = []; // {role, content}, without the system prompt
let answering = null; // the AbortController of the answer being streamed

// What a private window or a locked-down browser refuses to keep is not kept.
const memory = {
  get: (store, key) => { try { return store.getItem(key); } catch { return null; } },
  set: (store, key, value) => { try { store.setItem(key, value); } catch { /* not kept */ } },
};

function speak(code) {
  words = texts[code];
  document.documentElement.lang = code;
  language.value = code;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = words[element.dataset.text];
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', words[element.dataset.label]);
  for (const speaker of document.querySelectorAll('.user .speaker')) speaker.textContent = words.you;
}

function complain(message) {
  problem.textContent = message;
  problem.hidden = !message;
}

function headers() {
  const key = byId('api-key').value.trim();
  return { 'Content-Type': 'application/json', ...(key && { Authorization: `Bearer ${key}` }) };
}

/** The server's own words about a failed response. */
async function reasonOf(response) {
  if (response.status === 401) return words.needsKey;
  try {
    return (await response.json()).error.message;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

async function loadModels() {
  try {
    const response = await fetch('v1/models', { headers: headers() });
    if (response.status === 503) {
      status.textContent = words.loading;
      setTimeout(loadModels, 2000);
      return;
    }
    if (!response.ok) {
      complain(await reasonOf(response));
      return;
    }
    const chosen = model.value || memory.get(localStorage, 'model');
    const names = (await response.json()).data.map(entry => entry.id);
    model.replaceChildren(...names.map(name => new Option(name, name, false, name === chosen)));
    status.textContent = '';
    complain('');
    if (names.length === 0) {
      status.textContent = words.loading;
      setTimeout(loadModels, 2000);
    }
  } catch {
    complain(words.unreachable);
  }
}

function addMessage(role, content) {
  const item = document.createElement('li');
  item.className = role;
  const speaker = document.createElement('p');
  speaker.className = 'speaker';
  speaker.textContent = role === 'user' ? words.you : model.value;
  const text = document.createElement('p');
  text.className = 'text';
  text.textContent = content;
  const notes = document.createElement('p');
  notes.className = 'notes';
  item.append(speaker, text, notes);
  conversation.append(item);
  byId('empty').hidden = true;
  item.scrollIntoView({ block: 'end' });
  return { item, text, notes };
}

/** The data of server-sent events, up to [DONE]. */
async function* eventsOf(body) {
  let rest = '';
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    rest += piece;
    for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) {
      const data = rest.slice(0, end).split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5).trimStart()).join('\n');
      if (data === '[DONE]') return;
      if (data) yield JSON.parse(data);
    }
  }
}

function request() {
  const system = byId('system').value.trim();
  const body = {
    model: model.value,
    messages: [...(system ? [{ role: 'system', content: system }] : []), ...messages],
    stream: true,
    stream_options: { include_usage: true },
  };
  for (const name of parameters) {
    const value = byId(name).valueAsNumber;
    if (!Number.isNaN(value)) body[name] = value;
  }
  return body;
}

function setAnswering(controller) {
  answering = controller;
  send.hidden = controller !== null;
  stop.hidden = controller === null;
  conversation.setAttribute('aria-busy', String(controller !== null));
}

async function ask(content) {
  complain('');
  const thread = messages; // New chat puts another in its place
  thread.push({ role: 'user', content });
  addMessage('user', content);
  setAnswering(new AbortController());
  status.textContent = words.thinking;
  const view = byId('conversation').parentElement;
  let answer = null;
  let said = '';
  let finish = null;
  let usage = null;
  let firstAt = 0;

  try {
    const response = await fetch('v1/chat/completions', { method: 'POST', headers: headers(), body: JSON.stringify(request()), signal: answering.signal });
    if (!response.ok) throw new Error(await reasonOf(response));
    answer = addMessage('assistant', '');
    answer.item.classList.add('writing');
    for await (const event of eventsOf(response.body)) {
      if (event.error) throw new Error(event.error.message);
      usage = event.usage ?? usage;
      const choice = event.choices?.[0];
      if (choice?.delta?.content) {
        firstAt ||= performance.now();
        status.textContent = words.writing;
        const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < 40;
        said += choice.delta.content;
        answer.text.textContent = said;
        if (isAtEnd) view.scrollTop = view.scrollHeight;
      }
      finish = choice?.finish_reason ?? finish;
    }
    const seconds = (performance.now() - firstAt) / 1000;
    const notes = [];
    if (usage && usage.completion_tokens > 1 && seconds > 0) notes.push(words.figures(usage.completion_tokens, ((usage.completion_tokens - 1) / seconds).toFixed(1)));
    if (finish === 'length') notes.push(words.cut);
    answer.notes.textContent = notes.join(' · ');
  } catch (error) {
    if (error.name === 'AbortError') {
      if (answer) answer.notes.textContent = words.stopped;
    } else {
      complain(error instanceof TypeError ? words.unreachable : error.message);
    }
  }

  setAnswering(null);
  status.textContent = '';
  if (thread !== messages) return;

  if (said) {
    thread.push({ role: 'assistant', content: said });
    answer.notes.append(copyButton(said));
  } else {
    // Nothing was said: the question goes back to where it can be asked again.
    thread.pop();
    conversation.lastElementChild?.classList.contains('assistant') && conversation.lastElementChild.remove();
    conversation.lastElementChild?.remove();
    byId('empty').hidden = conversation.childElementCount > 0;
    if (!question.value) question.value = content;
  }
  answer?.item.classList.remove('writing');
  question.focus();
}

function copyButton(text) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = words.copy;
  button.hidden = !navigator.clipboard; // only there on https and on localhost
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = words.copied;
  });
  return button;
}

byId('ask').addEventListener('submit', event => {
  event.preventDefault();
  const content = question.value.trim();
  if (!content || answering) return;
  question.value = '';
  ask(content);
});

question.addEventListener('keydown', event => {
  // While an input method composes (Chinese, Japanese), Enter belongs to it.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  byId('ask').requestSubmit();
});

document.addEventListener('keydown', event => {
  if (event.key === 'Escape') answering?.abort();
});

stop.addEventListener('click', () => answering?.abort());

byId('new-chat').addEventListener('click', () => {
  answering?.abort();
  messages = [];
  conversation.replaceChildren();
  byId('empty').hidden = false;
  complain('');
  question.focus();
});

byId('settings-toggle').addEventListener('click', event => {
  settings.hidden = !settings.hidden;
  event.currentTarget.setAttribute('aria-expanded', String(!settings.hidden));
});

function showDefaults() {
  for (const name of parameters) byId(name).value = defaults[name] ?? '';
}

settings.addEventListener('submit', event => event.preventDefault());
settings.addEventListener('reset', event => {
  event.preventDefault();
  showDefaults();
  byId('system').value = '';
});

byId('api-key').addEventListener('change', event => {
  memory.set(sessionStorage, 'api-key', event.target.value);
  loadModels();
});
model.addEventListener('change', () => memory.set(localStorage, 'model', model.value));
language.addEventListener('change', () => {
  memory.set(localStorage, 'language', language.value);
  speak(language.value);
});

byId('api-key').value = memory.get(sessionStorage, 'api-key') ?? '';
showDefaults();
speak(texts[memory.get(localStorage, 'language')] ? memory.get(localStorage, 'language') : navigator.language.startsWith('zh') ? 'zh' : 'en');
loadModels();
