// What a component shows of the server: while it loads, when it came, when it did not.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { words } from "../api/client";
import { returns } from "../connection";

export interface Loaded<T> {
  value: T | undefined;
  error: string;
  loading: boolean;
  reload: () => Promise<void>;
  set: (value: T) => void;
}

/** Load now, and anew when one of the keys changes; what was there is shown until the new is. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const [value, set] = useState<T>();
  const [error, setError] = useState("");
  const [loading, setLoading] = useState(true);
  const running = useRef<AbortController | null>(null);

  const reload = useCallback(async () => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setLoading(true);
    try {
      const came = await load(own.signal);
      if (own.signal.aborted) return;
      set(came);
      setError("");
    } catch (fault) {
      if (own.signal.aborted) return;
      setError(words(fault));
    }
    setLoading(false);
  }, keys);

  useEffect(() => {
    void reload();
    return () => running.current?.abort();
  }, [reload]);

  // What was not to be had while the server was away is asked for when it is back.
  const came = returns.value;
  useEffect(() => {
    if (came && error) void reload();
  }, [came]);

  return { value, error, loading, reload, set };
}
