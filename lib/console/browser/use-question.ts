import { useCallback, useEffect, useState } from 'preact/hooks';
import { hashOf, type Question, questionOf } from '../data/question.ts';

/** The question in the address, and how to ask another: the address is the state, so that back, forward and links work. */
export function useQuestion(): readonly [Question, (change: Partial<Question>, replaces?: boolean) => void] {
  const [question, setQuestion] = useState(() => questionOf(location.hash));
  useEffect(() => {
    const read = () => setQuestion(questionOf(location.hash));
    addEventListener('hashchange', read);
    addEventListener('popstate', read);
    return () => {
      removeEventListener('hashchange', read);
      removeEventListener('popstate', read);
    };
  }, []);
  const ask = useCallback((change: Partial<Question>, replaces = false) => {
    const next = { ...questionOf(location.hash), ...change };
    history[replaces ? 'replaceState' : 'pushState'](null, '', hashOf(next));
    setQuestion(next);
  }, []);
  return [question, ask];
}
