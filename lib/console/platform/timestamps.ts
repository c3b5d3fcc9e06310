/** Stands for lib/tsp in a browser: the page is given no authorities of time-stamps, so that it never judges one. */

const never = (): never => {
  throw new Error('the page judges no time-stamps: use the command line');
};

export const parseAuthorities = never;
export const checkTimestamp = never;
