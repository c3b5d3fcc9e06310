import type { QueryPage } from '../../contract/query.ts';
import type { HttpAnswer } from '../http/http.ts';

/** The facts of a query's page besides its records. */
export type PageNotes = Omit<QueryPage, 'records' | 'sources' | 'cursor' | 'proof'>;

/** Reads the headers of a page. They are JSON, or numbers, of the server. */
export function notesOf({ headers }: HttpAnswer): PageNotes {
  const lists = { masked: listIn(headers.get('x-masked')), absence: listIn(headers.get('x-absence')) };
  const present = Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined));
  return {
    ...{ asOf: Number(headers.get('x-as-of') ?? 0), scanned: Number(headers.get('x-scanned') ?? 0) },
    ...{ more: headers.get('x-more') === 'true', ...present },
  };
}

function listIn(header: string | null): unknown[] | undefined {
  try {
    const value: unknown = header === null ? undefined : JSON.parse(header);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
