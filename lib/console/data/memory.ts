import { isObject, parseJson } from '../../log/json.ts';

/** The page's store in this browser, for the address that it came from: pinned keys, checkpoints seen, saved views. */
export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** A view that was saved. */
export interface SavedView {
  readonly name: string;
  /** As in an address. */
  readonly hash: string;
}

const PREFIX = 'sealtrail.';

/** Keeps values of the page. A browser may refuse to: then they last as long as the page. */
export class Memory {
  readonly #store: Store | undefined;
  readonly #held = new Map<string, string>();

  constructor(store: Store | undefined) {
    this.#store = store;
  }

  /** The key file that the reader pinned; empty: none. */
  get keys(): string {
    return this.#get('keys');
  }

  set keys(text: string) {
    this.#set('keys', text);
  }

  /** The newest checkpoint of a trail that was checked here. */
  checkpointOf(origin: string): string | undefined {
    return this.#get(`checkpoint.${origin}`) || undefined;
  }

  keepCheckpoint(origin: string, note: string): void {
    this.#set(`checkpoint.${origin}`, note);
  }

  get views(): readonly SavedView[] {
    try {
      const value = parseJson(this.#get('views') || '[]');
      return Array.isArray(value) ? value.filter(isView) : [];
    } catch {
      return []; // something else wrote there
    }
  }

  set views(views: readonly SavedView[]) {
    this.#set('views', JSON.stringify(views));
  }

  #get(name: string): string {
    try {
      return this.#store?.getItem(PREFIX + name) ?? this.#held.get(name) ?? '';
    } catch {
      return this.#held.get(name) ?? '';
    }
  }

  #set(name: string, value: string): void {
    this.#held.set(name, value);
    try {
      this.#store?.setItem(PREFIX + name, value);
    } catch {
      // Private windows and full stores: the page goes on with what it holds.
    }
  }
}

const isView = (value: unknown): value is SavedView =>
  isObject(value) && typeof value.name === 'string' && typeof value.hash === 'string';
