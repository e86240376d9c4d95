-- What changes in the triggers of 0001: an open or click by a scanner is on record, and moves no status. The newest event's words
-- are taken from the event itself; only one that comes late has them looked up.
DROP TRIGGER `events_move_recipient`;
--> statement-breakpoint
DROP TRIGGER `events_explain_recipient`;
--> statement-breakpoint
DROP TRIGGER `events_move_email`;
--> statement-breakpoint
DROP TRIGGER `recipients_catch_up`;
--> statement-breakpoint
DROP TRIGGER `emails_catch_up`;
--> statement-breakpoint
-- One recipient's status, attempts and time; what the relay last said, and why.
CREATE TRIGGER `events_move_recipient` AFTER INSERT ON `events`
WHEN NEW.recipient IS NOT NULL AND NOT EXISTS (
	SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient = NEW.recipient AND (at, id) > (NEW.at, NEW.id))
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
WHEN NEW.recipient IS NOT NULL AND EXISTS (
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
--> statement-breakpoint
-- The email as a whole: the furthest any recipient has come, and the time of its newest event.
CREATE TRIGGER `events_move_email` AFTER INSERT ON `events`
BEGIN
	UPDATE emails SET
		last_event = CASE
			WHEN (SELECT rank FROM statuses WHERE name = substr(NEW.type, 7) AND of_email = 1) > (SELECT rank FROM statuses WHERE name = last_event)
				AND NOT (NEW.type IN ('email.opened', 'email.clicked') AND NEW.data ->> '$.visitor.verdict' IS 'scanner')
			THEN substr(NEW.type, 7) ELSE last_event END,
		updated_at = max(updated_at, NEW.at)
	WHERE id = NEW.email_id;
END;
--> statement-breakpoint
-- Events that were there before their recipient.
CREATE TRIGGER `recipients_catch_up` AFTER INSERT ON `recipients`
WHEN EXISTS (SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx)
	OR EXISTS (SELECT 1 FROM events WHERE email_id = NEW.email_id AND recipient IS NULL)
BEGIN
	UPDATE recipients SET
		status = (
			SELECT name FROM statuses WHERE name = NEW.status
				OR name IN (SELECT substr(type, 7) FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx
					AND NOT (type IN ('email.opened', 'email.clicked') AND data ->> '$.visitor.verdict' IS 'scanner'))
				OR name IN (SELECT substr(type, 7) FROM events WHERE email_id = NEW.email_id AND recipient IS NULL)
			ORDER BY rank DESC LIMIT 1),
		attempts = max(attempts, coalesce((
			SELECT max(data ->> '$.attempt.number') FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx), 0)),
		updated_at = (SELECT max(at) FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx),
		(relay, code, enhanced, reply) = (
			SELECT data ->> '$.attempt.relay', data ->> '$.attempt.code', data ->> '$.attempt.enhanced', data ->> '$.attempt.text'
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx AND data -> '$.attempt' IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1),
		(category, sentence) = (
			SELECT coalesce(data ->> '$.attempt.category', data ->> '$.category'), coalesce(data ->> '$.attempt.sentence', data ->> '$.reason')
			FROM events WHERE email_id = NEW.email_id AND recipient = NEW.idx
			AND coalesce(data -> '$.attempt', data -> '$.category', data -> '$.reason') IS NOT NULL
			ORDER BY at DESC, id DESC LIMIT 1)
	WHERE email_id = NEW.email_id AND idx = NEW.idx;
END;
--> statement-breakpoint
-- Events that were there before their email.
CREATE TRIGGER `emails_catch_up` AFTER INSERT ON `emails`
WHEN EXISTS (SELECT 1 FROM events WHERE email_id = NEW.id)
BEGIN
	UPDATE emails SET
		last_event = (
			SELECT name FROM statuses WHERE name = NEW.last_event
				OR (of_email = 1 AND name IN (SELECT substr(type, 7) FROM events WHERE email_id = NEW.id
					AND NOT (type IN ('email.opened', 'email.clicked') AND data ->> '$.visitor.verdict' IS 'scanner')))
			ORDER BY rank DESC LIMIT 1),
		updated_at = max(updated_at, (SELECT max(at) FROM events WHERE email_id = NEW.id)),
		scheduled_at = coalesce((
			SELECT data ->> '$.scheduled_at' FROM events WHERE email_id = NEW.id AND type = 'email.scheduled'
			ORDER BY at DESC, id DESC LIMIT 1), scheduled_at)
	WHERE id = NEW.id;
END;
--> statement-breakpoint
-- Figures. Every event leaves a mark in `uncounted` when it is inserted, which happens once. Marks are counted many at a time
-- (an insert into `count_now`), which costs a fraction of counting each. What is asked for meanwhile is the sum of both.
-- The circumstances nothing else fits.
INSERT INTO `facets` (`id`, `level`, `day`, `sender_domain`, `recipient_domain`, `tags`) VALUES (0, 0, 0, '(other)', '(other)', '["(other)"]');
--> statement-breakpoint
-- The marks in groups, with the circumstances they happened in. Known: it is all there, or, a day after the email, will not
-- come any more. An email that was sent twice counts under the relay that took it first.
CREATE VIEW `uncounted_groups` AS
SELECT g.hour, g.metric, g.email_id, g.recipient, g.relay, g.category, g.count,
	CASE WHEN e.id IS NULL THEN '' ELSE
		lower(rtrim(substr(e."from", length(rtrim(e."from", replace(e."from", '@', ''))) + 1), '>')) END AS sender_domain,
	g.recipient_domain,
	CASE WHEN e.id IS NULL OR e.tags = '[]' THEN '[]' ELSE (
		SELECT json_group_array(tag) FROM (
			SELECT DISTINCT value ->> 'name' || '=' || (value ->> 'value') AS tag FROM json_each(e.tags) ORDER BY 1 LIMIT 10)) END AS tags,
	g.known OR g.old AS known
FROM (
	SELECT hour, metric, email_id, CASE WHEN known OR old THEN NULL ELSE recipient END AS recipient, relay, category,
		sum(count) AS count, recipient_domain, known, old
	FROM (
		SELECT m.hour, m.metric, m.email_id, m.recipient, m.category, m.count,
			coalesce(m.relay, s.relay) AS relay,
			coalesce(r.domain, '') AS recipient_domain,
			(m.recipient IS NULL OR r.idx IS NOT NULL) AND coalesce(m.relay, s.relay) IS NOT NULL
				AND EXISTS (SELECT 1 FROM emails WHERE id = m.email_id) AS known,
			m.email_id < (SELECT substr(t, 1, 8) || '-' || substr(t, 9) FROM (SELECT printf('%012x', (unixepoch() - 86400) * 1000) AS t)) AS old
		FROM uncounted m
		LEFT JOIN recipients r ON r.email_id = m.email_id AND r.idx = m.recipient
		LEFT JOIN events s ON m.relay IS NULL AND s.id = (
			SELECT id FROM events WHERE email_id = m.email_id AND recipient = m.recipient AND type = 'email.sent'
			ORDER BY at, id LIMIT 1))
	GROUP BY hour, metric, email_id, CASE WHEN known OR old THEN NULL ELSE recipient END, relay, category, recipient_domain, known, old
) g LEFT JOIN emails e ON e.id = g.email_id;
--> statement-breakpoint
CREATE VIEW `count_now` AS SELECT count(*) AS marks FROM uncounted;
--> statement-breakpoint
-- A round of counting. What is not known stays for the next.
CREATE TRIGGER `count_now_counts` INSTEAD OF INSERT ON `count_now`
BEGIN
	INSERT INTO counting (hour, metric, email_id, recipient, relay, category, count, sender_domain, recipient_domain, tags, known)
		SELECT hour, metric, email_id, recipient, relay, category, count, sender_domain, recipient_domain, tags, known FROM uncounted_groups;
	-- Circumstances as it is; 2000 new ones in a day.
	UPDATE counting SET facet = (
		SELECT id FROM facets f WHERE f.sender_domain = counting.sender_domain AND f.recipient_domain = counting.recipient_domain AND f.tags = counting.tags)
	WHERE known AND facet IS NULL;
	INSERT INTO facets (level, day, sender_domain, recipient_domain, tags)
		SELECT DISTINCT 1, unixepoch() / 86400, sender_domain, recipient_domain, tags FROM counting WHERE known AND facet IS NULL
		LIMIT (SELECT max(0, 2000 - count(*)) FROM facets WHERE day = unixepoch() / 86400 AND level = 1);
	UPDATE counting SET facet = (
		SELECT id FROM facets f WHERE f.sender_domain = counting.sender_domain AND f.recipient_domain = counting.recipient_domain AND f.tags = counting.tags)
	WHERE known AND facet IS NULL;
	-- Circumstances without the recipient's domain; 500 new ones in a day.
	UPDATE counting SET facet = (
		SELECT id FROM facets f WHERE f.sender_domain = counting.sender_domain AND f.recipient_domain = '(other)' AND f.tags = counting.tags)
	WHERE known AND facet IS NULL;
	INSERT INTO facets (level, day, sender_domain, recipient_domain, tags)
		SELECT DISTINCT 2, unixepoch() / 86400, sender_domain, '(other)', tags FROM counting WHERE known AND facet IS NULL
		LIMIT (SELECT max(0, 500 - count(*)) FROM facets WHERE day = unixepoch() / 86400 AND level = 2);
	UPDATE counting SET facet = (
		SELECT id FROM facets f WHERE f.sender_domain = counting.sender_domain AND f.recipient_domain = '(other)' AND f.tags = counting.tags)
	WHERE known AND facet IS NULL;
	-- Circumstances without the tags; 500 new ones in a day.
	UPDATE counting SET facet = (
		SELECT id FROM facets f WHERE f.sender_domain = counting.sender_domain AND f.recipient_domain = '(other)' AND f.tags = '["(other)"]')
	WHERE known AND facet IS NULL;
	INSERT INTO facets (level, day, sender_domain, recipient_domain, tags)
		SELECT DISTINCT 3, unixepoch() / 86400, sender_domain, '(other)', '["(other)"]' FROM counting WHERE known AND facet IS NULL
		LIMIT (SELECT max(0, 500 - count(*)) FROM facets WHERE day = unixepoch() / 86400 AND level = 3);
	UPDATE counting SET facet = (
		SELECT id FROM facets f WHERE f.sender_domain = counting.sender_domain AND f.recipient_domain = '(other)' AND f.tags = '["(other)"]')
	WHERE known AND facet IS NULL;
	INSERT INTO figures (hour, metric, facet, relay, category, count)
		SELECT hour, metric, coalesce(facet, 0), coalesce(relay, ''), category, sum(count) FROM counting WHERE known GROUP BY 1, 2, 3, 4, 5
		ON CONFLICT (hour, metric, facet, relay, category) DO UPDATE SET count = count + excluded.count;
	DELETE FROM uncounted;
	INSERT INTO uncounted (hour, metric, email_id, recipient, relay, category, count)
		SELECT hour, metric, email_id, recipient, relay, category, count FROM counting WHERE NOT known;
	DELETE FROM counting;
END;
--> statement-breakpoint
-- What happened after a relay took it is that relay's, too.
CREATE TRIGGER `events_mark` AFTER INSERT ON `events`
BEGIN
	INSERT INTO uncounted (hour, metric, email_id, recipient, relay, category, count)
		SELECT NEW.at / 3600000,
			substr(NEW.type, 7) || CASE WHEN NEW.type IN ('email.opened', 'email.clicked')
				THEN '_' || coalesce(NEW.data ->> '$.visitor.verdict', 'person')
				WHEN NEW.type = 'email.bounced' AND NEW.relay IS NULL THEN '_later' ELSE '' END,
			NEW.email_id, NEW.recipient,
			CASE WHEN NEW.relay IS NULL AND NEW.recipient IS NOT NULL AND NEW.type IN (
				'email.delivered', 'email.opened', 'email.clicked', 'email.bounced', 'email.complained', 'email.unsubscribed')
			THEN NULL ELSE coalesce(NEW.relay, '') END,
			coalesce(NEW.category, ''), 1;
END;
--> statement-breakpoint
-- Firsts: of anyone, of anyone but a scanner, of a person.
CREATE TRIGGER `events_first` AFTER INSERT ON `events`
WHEN NEW.type IN ('email.opened', 'email.clicked') AND NEW.recipient IS NOT NULL
BEGIN
	INSERT INTO firsts (email_id, recipient, metric, at, event_id)
		SELECT NEW.email_id, NEW.recipient, 'unique_' || substr(NEW.type, 7) || column1, NEW.at, NEW.id
		FROM (VALUES ('_all', 0), ('', 1), ('_person', 2))
		WHERE column2 <= CASE NEW.data ->> '$.visitor.verdict' WHEN 'scanner' THEN 0 WHEN 'proxy' THEN 1 ELSE 2 END
		ON CONFLICT (email_id, recipient, metric) DO UPDATE SET at = excluded.at, event_id = excluded.event_id
			WHERE (excluded.at, excluded.event_id) < (at, event_id);
END;
--> statement-breakpoint
CREATE TRIGGER `firsts_mark` AFTER INSERT ON `firsts`
BEGIN
	INSERT INTO uncounted (hour, metric, email_id, recipient, relay, category, count)
		VALUES (NEW.at / 3600000, NEW.metric, NEW.email_id, NEW.recipient, NULL, '', 1);
END;
--> statement-breakpoint
-- One that came late and was earlier: its hour has it now.
CREATE TRIGGER `firsts_move` AFTER UPDATE ON `firsts` WHEN NEW.at / 3600000 <> OLD.at / 3600000
BEGIN
	INSERT INTO uncounted (hour, metric, email_id, recipient, relay, category, count)
		VALUES (OLD.at / 3600000, NEW.metric, NEW.email_id, NEW.recipient, NULL, '', -1),
			(NEW.at / 3600000, NEW.metric, NEW.email_id, NEW.recipient, NULL, '', 1);
END;
--> statement-breakpoint
-- Events from before there were figures.
INSERT INTO firsts (email_id, recipient, metric, at, event_id)
	SELECT e.email_id, e.recipient, 'unique_' || substr(e.type, 7) || column1, e.at, e.id
	FROM events e, (VALUES ('_all', 0), ('', 1), ('_person', 2))
	WHERE e.type IN ('email.opened', 'email.clicked') AND e.recipient IS NOT NULL AND column2 <= CASE e.data ->> '$.visitor.verdict' WHEN 'scanner' THEN 0 WHEN 'proxy' THEN 1 ELSE 2 END
	ON CONFLICT (email_id, recipient, metric) DO UPDATE SET at = excluded.at, event_id = excluded.event_id
		WHERE (excluded.at, excluded.event_id) < (at, event_id);
--> statement-breakpoint
INSERT INTO uncounted (hour, metric, email_id, recipient, relay, category, count)
	SELECT e.at / 3600000,
		substr(e.type, 7) || CASE WHEN e.type IN ('email.opened', 'email.clicked')
			THEN '_' || coalesce(e.data ->> '$.visitor.verdict', 'person')
				WHEN e.type = 'email.bounced' AND e.relay IS NULL THEN '_later' ELSE '' END,
		e.email_id, e.recipient,
		CASE WHEN e.relay IS NULL AND e.recipient IS NOT NULL AND e.type IN (
			'email.delivered', 'email.opened', 'email.clicked', 'email.bounced', 'email.complained', 'email.unsubscribed')
		THEN NULL ELSE coalesce(e.relay, '') END,
		coalesce(e.category, ''), 1 FROM events e;
--> statement-breakpoint
INSERT INTO `count_now` VALUES (1);
