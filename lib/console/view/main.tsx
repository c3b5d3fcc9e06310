import { render } from 'preact';
import { Api } from '../data/api.ts';
import { Memory, type Store } from '../data/memory.ts';
import { App } from './app.tsx';

/** The browser's store, where it lets the page have one. */
function store(): Store | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

const root = document.getElementById('console');
// The API is beside the page: `<base>/console/` and `<base>/v1/...`.
const base = location.origin + location.pathname.replace(/\/console(\/.*)?$/, '');
if (root) render(<App api={new Api(base)} memory={new Memory(store())} />, root);
