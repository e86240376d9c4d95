-- What changes in the triggers of 0004: an event that comes late looks for the newest attempt and explanation only when it has
-- one itself. Opens and clicks have none. They come by the thousand when a machine fetches a mail's pixel again and again, those of
-- one millisecond in any order, and each looked through all that were there before.
DROP TRIGGER `events_move_recipient`;
--> statement-breakpoint
DROP TRIGGER `events_explain_recipient`;
--> statement-breakpoint
-- One recipient's status, attempts and time; what the relay last said, and why.
CREATE TRIGGER `events_move_recipient` AFTER INSERT ON `events`
WHEN NEW.recipient IS NOT NULL AND (coalesce(NEW.data -> '$.attempt', NEW.data -> '$.category', NEW.data -> '$.reason') IS NULL OR NOT EXISTS (
	SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient AND (at, id) > (NEW.at, NEW.id)))
BEGIN
	UPDATE recipients SET
		status = CASE
			WHEN (SELECT rank FROM statuses WHERE name = substr(NEW.type, 7)) > (SELECT rank FROM statuses WHERE name = status)
				AND NOT (NEW.type IN ('email.opened', 'email.clicked') AND NEW.data ->> '$.visitor.verdict' IS 'scanner')
			THEN substr(NEW.type, 7) ELSE status END,
		attempts = max(attempts, coalesce(NEW.data ->> '$.attempt.number', 0)),
		updated_at = max(coalesce(updated_at, 0), NEW.at),
		relay = CASE WHEN NEW.data -> '$.attempt' IS NULL THEN relay ELSE NEW.relay END,
		code = CASE WHEN NEW.data -> '$.attempt' IS NULL THEN code ELSE NEW.data ->> '$.attempt.code' END,
		enhanced = CASE WHEN NEW.data -> '$.attempt' IS NULL THEN enhanced ELSE NEW.data ->> '$.attempt.enhanced' END,
		reply = CASE WHEN NEW.data -> '$.attempt' IS NULL THEN reply ELSE NEW.data ->> '$.attempt.text' END,
		category = CASE WHEN coalesce(NEW.data -> '$.attempt', NEW.data -> '$.category', NEW.data -> '$.reason') IS NULL
			THEN category ELSE NEW.category END,
		sentence = CASE WHEN coalesce(NEW.data -> '$.attempt', NEW.data -> '$.category', NEW.data -> '$.reason') IS NULL
			THEN sentence ELSE coalesce(NEW.data ->> '$.attempt.sentence', NEW.data ->> '$.reason') END
	WHERE email_id = NEW.email_id AND idx = NEW.recipient;
END;
--> statement-breakpoint
-- The same for an event that comes after a newer one: the newest attempt's words stay, and the newest explanation.
CREATE TRIGGER `events_explain_recipient` AFTER INSERT ON `events`
WHEN NEW.recipient IS NOT NULL AND coalesce(NEW.data -> '$.attempt', NEW.data -> '$.category', NEW.data -> '$.reason') IS NOT NULL AND EXISTS (
	SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient AND (at, id) > (NEW.at, NEW.id))
BEGIN
	UPDATE recipients SET
		status = CASE
			WHEN (SELECT rank FROM statuses WHERE name = substr(NEW.type, 7)) > (SELECT rank FROM statuses WHERE name = status)
				AND NOT (NEW.type IN ('email.opened', 'email.clicked') AND NEW.data ->> '$.visitor.verdict' IS 'scanner')
			THEN substr(NEW.type, 7) ELSE status END,
		attempts = max(attempts, coalesce(NEW.data ->> '$.attempt.number', 0)),
		updated_at = max(coalesce(updated_at, 0), NEW.at),
		(relay, code, enhanced, reply) = (
			SELECT data ->> '$.attempt.relay', data ->> '$.attempt.code', data ->> '$.attempt.enhanced', data ->> '$.attempt.text'
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient AND data -> '$.attempt' IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1),
		(category, sentence) = (
			SELECT coalesce(data ->> '$.attempt.category', data ->> '$.category'), coalesce(data ->> '$.attempt.sentence', data ->> '$.reason')
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient
			AND coalesce(data -> '$.attempt', data -> '$.category', data -> '$.reason') IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1)
	WHERE email_id = NEW.email_id AND idx = NEW.recipient;
END;
