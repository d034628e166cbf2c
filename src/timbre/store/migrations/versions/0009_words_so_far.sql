-- What is said in a recording that is still being heard: provisional, and gone as soon as the attempt at the job is over.
CREATE TABLE words_so_far (
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    number bigint GENERATED ALWAYS AS IDENTITY,  -- the order in which they came
    first integer NOT NULL,  -- the place of the first among all words; at 0 they begin anew
    words text NOT NULL,     -- JSON, as lines of wordLevelTranscription; without speakers until those are known
    PRIMARY KEY (job_id, number)
);
ALTER TABLE words_so_far ALTER words SET STATISTICS 0;

-- Whoever follows the job is told of them.
CREATE FUNCTION notify_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('timbre_job', NEW.job_id::text);
    RETURN NULL;
END;
$$;
CREATE TRIGGER words_came AFTER INSERT ON words_so_far FOR EACH ROW EXECUTE FUNCTION notify_words();

-- Whatever ends an attempt, or begins another, takes what it recognised along.
CREATE FUNCTION drop_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM words_so_far WHERE job_id = NEW.id;
    RETURN NULL;
END;
$$;
CREATE TRIGGER attempt_over AFTER UPDATE OF status, attempt ON jobs
    FOR EACH ROW WHEN (NEW.status <> 'running' OR NEW.attempt <> OLD.attempt) EXECUTE FUNCTION drop_words();
